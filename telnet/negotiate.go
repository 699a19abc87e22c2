package telnet

// A half is one side's half of one option, by the Q method of RFC 1143,
// section 7: an answer is sent only where it says something new, so two sides
// can't keep answering each other.
type half uint8

const (
	isNo       half = iota
	isYes           // agreed
	wantNo          // asked to end it
	wantNoYes       // asked to end it, and want it again after the answer
	wantYes         // asked for it
	wantYesNo       // asked for it, and want it no more after the answer
	stateCount      // how many there are
)

// A say is what has to be told to the other side.
type say uint8

const (
	nothing say = iota
	yes
	no
)

// move is a row of the tables: the new state and what has to be told.
type move struct {
	to   half
	tell say
}

// ask begins to want an option, or no longer to want it. The tables are RFC
// 1143's "if we decide to ask".
func (h *half) ask(enable bool) say {
	table := [stateCount]move{
		isNo: {isNo, nothing}, isYes: {wantNo, no}, wantNo: {wantNo, nothing},
		wantNoYes: {wantNo, nothing}, wantYes: {wantYesNo, nothing}, wantYesNo: {wantYesNo, nothing},
	}
	if enable {
		table = [stateCount]move{
			isNo: {wantYes, yes}, isYes: {isYes, nothing}, wantNo: {wantNoYes, nothing},
			wantNoYes: {wantNoYes, nothing}, wantYes: {wantYes, nothing}, wantYesNo: {wantYes, nothing},
		}
	}
	return h.step(table)
}

// hear takes the other side's word on an option. accept says whether the option
// is welcome when the other side proposes it.
func (h *half) hear(positive, accept bool) say {
	table := [stateCount]move{
		isNo: {isNo, nothing}, isYes: {isNo, no}, wantNo: {isNo, nothing},
		wantNoYes: {wantYes, yes}, wantYes: {isNo, nothing}, wantYesNo: {isNo, nothing},
	}
	if positive {
		table = [stateCount]move{
			isNo: {isNo, no}, isYes: {isYes, nothing}, wantNo: {isNo, nothing},
			wantNoYes: {isYes, nothing}, wantYes: {isYes, nothing}, wantYesNo: {wantNo, no},
		}
		if accept {
			table[isNo] = move{isYes, yes}
		}
	}
	return h.step(table)
}

func (h *half) step(table [stateCount]move) say {
	m := table[*h]
	*h = m.to
	return m.tell
}

// on reports an option in force. Between asking for its end and the answer it
// still is.
func (h half) on() bool { return h == isYes || h == wantNo || h == wantNoYes }
