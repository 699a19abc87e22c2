package telnet

import (
	"testing"

	"github.com/nacre-ssh/nacre/internal/leakcheck"
)

func TestMain(m *testing.M) { leakcheck.Main(m) }
