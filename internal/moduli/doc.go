// Package moduli finds safe primes for Diffie-Hellman group exchange and keeps
// them as moduli(5) says. [Generate] sieves a range of numbers and writes those
// that no small prime divides; [Screen] reads them and writes the ones that are
// safe primes.
//
// Both take minutes to hours for sizes that are good for anything, and stop
// when their context is done. What they have to say while they work they say
// through a function that they are given. Reading a finished file for a
// connection is the server's.
package moduli
