# make run    builds nacre and shows what it does
# make test   brings what the tests need, then runs them all
# make bench  measures nacre beside the installed OpenSSH
# make build  leaves the binary in bin/

PATH := $(PATH):/usr/local/go/bin
export PATH

.PHONY: run test bench build

run: build
	bin/nacre demo

build:
	CGO_ENABLED=0 go build -trimpath -o bin/nacre ./cmd/nacre

test:
	sh scripts/test.sh

bench:
	sh scripts/peers.sh
	go run ./bench
