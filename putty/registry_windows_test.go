package putty

import (
	"reflect"
	"testing"

	"golang.org/x/sys/windows/registry"
)

// testHive is beside PuTTY's key, so that nobody's settings are in the way.
func testHive(t *testing.T) hiveStore {
	const root = `Software\nacre test`
	h := windowsHive{root}
	t.Cleanup(func() {
		for _, key := range []string{string(Sessions), string(HostCAs), hostKeysKey} {
			_ = h.deleteKey(key)
		}
		_ = registry.DeleteKey(registry.CURRENT_USER, root)
	})
	return hiveStore{h}
}

func TestStoreRegistry(t *testing.T) { testStore(t, testHive(t)) }

// The registry and a .reg file hold the same.
func TestRegistryTakesRegFiles(t *testing.T) {
	r, err := ParseReg(sample(t, "export.reg"))
	if err != nil {
		t.Fatal(err)
	}
	s := testHive(t)
	if err := r.Merge(s); err != nil {
		t.Fatal(err)
	}
	back := NewReg()
	records, keys, err := Copy(back, s)
	if err != nil || records != 3 || keys != 2 {
		t.Errorf("%d records, %d keys: %v", records, keys, err)
	}
	for _, name := range []string{"foo bar", DefaultSettings} {
		got, err1 := back.Load(Sessions, name)
		want, err2 := r.Load(Sessions, name)
		if err1 != nil || err2 != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, not %+v: %v %v", name, got, want, err1, err2)
		}
	}
}

func TestOpenRegistryIsPuTTYs(t *testing.T) {
	if got := OpenRegistry(); !reflect.DeepEqual(got, hiveStore{windowsHive{`Software\SimonTatham\PuTTY`}}) {
		t.Errorf("%+v", got)
	}
}
