#!/bin/sh
# A short run of each fuzz target. All of them together get about BUDGET
# seconds of fuzzing, each one to three; building them comes on top.
set -eu

BUDGET=${BUDGET:-120}

# targets prints "package target", one a line. The list is checked for, so that
# a package that doesn't compile is not taken for one without targets.
list=$(go test -list '^Fuzz' ./...)
targets=$(echo "$list" | awk '/^Fuzz/ { names[++n] = $1 } /^ok/ { for (i = 1; i <= n; i++) print $2, names[i]; n = 0 }')
count=$(echo "$targets" | grep -c . || true)
if [ "$count" = 0 ]; then
	echo "no fuzz target found" >&2
	exit 1
fi

each=$((BUDGET / count))
if [ "$each" -lt 1 ]; then each=1; fi
if [ "$each" -gt 3 ]; then each=3; fi

echo "$targets" | while read -r package target; do
	if ! out=$(go test -run '^$' -fuzz "^$target\$" -fuzztime "${each}s" "$package" </dev/null 2>&1); then
		echo "$out"
		exit 1
	fi
	echo "ok  	$package	$target	$(echo "$out" | sed -n 's/^fuzz: elapsed.*execs: \([0-9]*\) .*/\1/p' | tail -1) executions"
done
