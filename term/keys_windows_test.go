package term

import "testing"

// What a console's events stand for.
func TestWindowsKeys(t *testing.T) {
	press := func(key, char uint16, control uint32) inputRecord {
		return inputRecord{kind: keyEvent, down: 1, repeat: 1, key: key, char: char, control: control}
	}
	for _, row := range []struct {
		want   string
		events []inputRecord
	}{
		{"a", []inputRecord{press('A', 'a', 0)}},
		{"\x1a", []inputRecord{press('Z', 0x1a, leftCtrl)}},
		{"\x03", []inputRecord{press('C', 3, leftCtrl)}},
		{"\x00", []inputRecord{press(keySpace, ' ', leftCtrl)}},
		{"\x00", []inputRecord{press(keyTwo, 0, leftCtrl|shift)}},
		{"\x7f", []inputRecord{press(keyBack, '\b', 0)}},
		{"\b", []inputRecord{press(keyBack, 0x7f, leftCtrl)}},
		{"\x1b[Z", []inputRecord{press(keyTab, '\t', shift)}},
		{"\x1bx", []inputRecord{press('X', 'x', leftAlt)}},
		{"@", []inputRecord{press('Q', '@', rightAlt|leftCtrl)}},
		{"\U0001f600", []inputRecord{press(0, 0xd83d, 0), press(0, 0xde00, 0)}},
		{"ü", []inputRecord{{kind: keyEvent, key: keyAlt, char: 'ü'}}},
		{"\x1b[A", []inputRecord{press(0x26, 0, 0)}},
		{"\x1b[1;5C", []inputRecord{press(0x27, 0, leftCtrl)}},
		{"\x1b[3~", []inputRecord{press(0x2e, 0, 0)}},
		{"\x1b[5;2~", []inputRecord{press(0x21, 0, shift)}},
		{"\x1bOP", []inputRecord{press(0x70, 0, 0)}},
		{"\x1b[24~", []inputRecord{press(0x7b, 0, 0)}},
		{"", []inputRecord{press(0x10, 0, shift), {kind: keyEvent, key: 'A', char: 'a'}}},
	} {
		k := new(keyReader)
		for i := range row.events {
			k.take(&row.events[i])
		}
		if string(k.ready) != row.want {
			t.Errorf("%+v: %q, want %q", row.events, k.ready, row.want)
		}
	}
}
