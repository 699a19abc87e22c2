// Package leakcheck finds goroutines that outlive the tests of a package.
//
// [Main] goes into a TestMain and checks once, after all tests; [Check] goes
// into one test and checks when it ends. A goroutine that is on its way out is
// waited for. It imports nothing of nacre, so that every floor's tests can use
// it; only tests import it.
package leakcheck
