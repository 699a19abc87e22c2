//go:build !race

package login

// raceDetector says that memory and time are not what they are otherwise.
const raceDetector = false
