#!/bin/sh
# A short run of each fuzz target. All of them together get about BUDGET
# seconds of fuzzing, each one to three; building them comes on top.
set -eu

BUDGET=${BUDGET:-90}

# A package that doesn't compile must not be taken for one without targets.
if ! list=$(go test -list '^Fuzz' ./... 2>&1); then
	echo "$list" >&2
	exit 1
fi
# "package target", one a line: go test names the targets, then their package.
targets=$(echo "$list" | awk '/^Fuzz/ { names[++n] = $1 } /^ok/ { for (i = 1; i <= n; i++) print $2, names[i]; n = 0 }')
count=$(echo "$targets" | grep -c . || true)
if [ "$count" = 0 ]; then
	echo "no fuzz target found" >&2
	exit 1
fi

each=$((BUDGET / count))
if [ "$each" -lt 1 ]; then each=1; fi
if [ "$each" -gt 3 ]; then each=3; fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# build compiles a package's targets once, for all of them.
build() {
	go test -c -fuzz=Fuzz -o "$work/targets" "$1"
	dir=$(go list -f '{{.Dir}}' "$1")
}

# Making a new input small takes up to a minute each by default, and would eat
# all the time there is.
fuzz() {
	(cd "$dir" && "$work/targets" -test.run '^$' -test.fuzz "^$1\$" -test.fuzztime "${each}s" \
		-test.fuzzminimizetime 10x -test.fuzzcachedir "$work/cache" </dev/null 2>&1)
}

# overran tells the fuzzer's own fault: a worker that was busy when the time was
# up makes go test fail, with no input to show for it (golang/go#75804).
overran() {
	echo "$1" | grep -q 'context deadline exceeded' && ! echo "$1" | grep -q 'Failing input'
}

built=
echo "$targets" | while read -r package target; do
	if [ "$package" != "$built" ]; then
		build "$package"
		built=$package
	fi
	if ! out=$(fuzz "$target"); then
		if ! overran "$out" || ! out=$(fuzz "$target"); then
			echo "$out"
			exit 1
		fi
	fi
	executions=$(echo "$out" | sed -n 's/^fuzz: elapsed.*execs: \([0-9]*\) .*/\1/p' | tail -n 1)
	echo "ok  	$package	$target, $executions executions"
done
