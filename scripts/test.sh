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

# The interop matrix drives nacre's binary, which the race detector of its test
# would not see: it runs apart.
with_race() {
	CGO_ENABLED=1 go test -race -timeout 10m $(go list ./... | grep -v '/internal/interop$')
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
step "interop matrix" go test -count=1 -timeout 10m ./internal/interop
step "fuzz" sh scripts/fuzz.sh
step "cross-builds" cross
echo "== all: $(($(date +%s) - started)) s"
