package putty

// A Section is a kind of records.
type Section string

// The sections there are, by their name in the registry.
const (
	Sessions Section = "Sessions"
	HostCAs  Section = "SshHostCAs"
)

// Records are what a store has under names. Names are as a person sees them, not
// escaped. Loading or deleting what isn't there gives fs.ErrNotExist.
type Records interface {
	Names(s Section) ([]string, error) // sorted
	Load(s Section, name string) (Record, error)
	Save(s Section, name string, r Record) error // in the place of what was there
	Delete(s Section, name string) error
}

// HostKeys are the host-key cache. There is one key of a type for a host and a
// port; deleting one that isn't there gives fs.ErrNotExist.
type HostKeys interface {
	HostKeys() ([]HostKey, error)
	PutHostKeys(keys ...HostKey) error
	DeleteHostKey(k HostKey) error // whatever its data
}

// A Store is a place where PuTTY keeps what it remembers. None is safe for
// concurrent use.
type Store interface {
	Records
	HostKeys
}
