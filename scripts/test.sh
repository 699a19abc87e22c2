#!/bin/sh
# Everything that make test runs, in order of what fails fastest. Each step has
# a heading and, at its end, its time.
set -eu

cd "$(dirname "$0")/.."

step() {
	name=$1
	shift
	began=$(date +%s)
	echo "== $name"
	"$@"
	echo "== $name: $(($(date +%s) - began)) s"
}

formatted() {
	unformatted=$(gofmt -l .)
	if [ -n "$unformatted" ]; then
		echo "not formatted, run gofmt -w on:" >&2
		echo "$unformatted" >&2
		return 1
	fi
}

# The programs are compared with their originals by the thousand runs, and the
# interop matrix drives nacre's binary: both are apart, without the detector,
# which makes each start of a program five times as long. What of the programs
# has the most goroutines is run with it all the same.
with_race() {
	CGO_ENABLED=1 go test -race -timeout 10m $(go list ./... | grep -v -e '/internal/interop$' -e '/applet')
	CGO_ENABLED=1 go test -race -timeout 10m -run 'TestScripts|TestSharedConnections|TestX11' ./applet
}

# On Linux sockets are read and written by calls that the detector doesn't know,
# and that are not in what is built for it.
without_race() {
	go test -count=1 ./internal/netx ./transport ./mux
}

cross() {
	for target in linux/arm64 windows/amd64 darwin/arm64 freebsd/amd64; do
		CGO_ENABLED=0 GOOS=${target%/*} GOARCH=${target#*/} go build ./...
		echo "ok  	$target"
	done
}

started=$(date +%s)
step "peers" sh scripts/peers.sh
step "gofmt" formatted
step "vet" go vet ./...
step "floors" go test .
step "staticcheck" go tool staticcheck ./...
step "unit and script tests, with the race detector" with_race
step "the engine, without it" without_race
step "programs, beside their originals" go test -count=1 -timeout 15m ./applet/...
step "interop matrix" go test -count=1 -timeout 10m ./internal/interop
step "fuzz" sh scripts/fuzz.sh
step "cross-builds" cross
echo "== all: $(($(date +%s) - started)) s"
