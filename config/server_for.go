package config

// A snapshot is what was read of files, so that Match blocks can be judged again
// and again without anybody's half-finished edit.
type snapshot struct {
	texts  map[string]snapshotText
	globs  map[string][]string
	filled bool // nothing more is read
}

type snapshotText struct {
	data []byte
	err  error
}

func newSnapshot() *snapshot {
	return &snapshot{texts: make(map[string]snapshotText), globs: make(map[string][]string)}
}

// text reads a file, once.
func (l *serverLoader) text(name string) ([]byte, error) {
	t, ok := l.snap.texts[name]
	if !ok && !l.snap.filled {
		t.data, t.err = l.read(name, false)
		l.snap.texts[name] = t
	}
	return t.data, t.err
}

// glob is the files that an Include word stands for, looked up once.
func (l *serverLoader) glob(word string) ([]string, error) {
	names, ok := l.snap.globs[word]
	if ok || l.snap.filled {
		return names, nil
	}
	names, err := included(word, l.q.SystemDir, "")
	if err == nil {
		l.snap.globs[word] = names
	}
	return names, err
}

// HasMatch says whether there are Match blocks: then For has more to say.
func (s *Server) HasMatch() bool { return s.conditional }

// For judges the Match blocks for a connection, by the text of the files as it
// was when s was loaded. It may be called from any goroutine.
func (s *Server) For(c *Connection) (*Server, error) {
	q := s.query
	q.Connection, q.OnlyShow = c, false
	return loadServerWith(q, &snapshot{texts: s.snap.texts, globs: s.snap.globs, filled: true})
}
