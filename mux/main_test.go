package mux

import (
	"testing"

	"github.com/nacre-ssh/nacre/internal/leakcheck"
)

func TestMain(m *testing.M) {
	beHeir()
	leakcheck.Main(m)
}
