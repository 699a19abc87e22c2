package sftp

import (
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/nacre-ssh/nacre/wire"
)

// A handle is an open file of the server.
type handle struct {
	c    *Client
	path string
	id   []byte
}

func (c *Client) open(path string, flags uint32, attrs []byte) (*handle, error) {
	b := wire.AppendString(request(msgOpen), path)
	b = append(wire.AppendUint32(b, flags), attrs...)
	kind, r, err := c.ask("open", path, b)
	if err != nil {
		return nil, err
	}
	id := r.Bytes()
	if kind != msgHandle || r.End() != nil || len(id) > maxHandle {
		return nil, fmt.Errorf("open %s: the SFTP server's answer makes no sense", path)
	}
	return &handle{c, path, id}, nil
}

func (h *handle) close() error {
	return h.c.done("close", h.path, wire.AppendString(request(msgClose), h.id))
}

func (h *handle) read(offset uint64) ([]byte, error) {
	b := wire.AppendString(request(msgRead), h.id)
	kind, r, err := h.c.ask("read", h.path, wire.AppendUint32(wire.AppendUint64(b, offset), chunk))
	if err != nil {
		return nil, err
	}
	data := r.Bytes()
	if kind != msgData || r.End() != nil || len(data) == 0 || len(data) > chunk {
		return nil, fmt.Errorf("read %s: the SFTP server's answer makes no sense", h.path)
	}
	return data, nil
}

func (h *handle) write(offset uint64, data []byte) error {
	b := wire.AppendString(request(msgWrite), h.id)
	return h.c.done("write", h.path, wire.AppendString(wire.AppendUint64(b, offset), data))
}

// mode are attributes that hold permissions only: section 5.
func mode(perm fs.FileMode) []byte {
	return wire.AppendUint32(wire.AppendUint32(nil, attrPermissions), uint32(perm.Perm()))
}

// ReadFile returns a whole file of at most max bytes; the caller owns it.
func (c *Client) ReadFile(path string, max int) ([]byte, error) {
	h, err := c.open(path, openRead, wire.AppendUint32(nil, 0))
	if err != nil {
		return nil, err
	}
	defer h.close()
	var text []byte
	for {
		data, err := h.read(uint64(len(text)))
		if errors.Is(err, io.EOF) {
			return text, nil
		}
		if err != nil {
			return nil, err
		}
		if text = append(text, data...); len(text) > max {
			return nil, fmt.Errorf("read %s: it has more than %d bytes", path, max)
		}
	}
}

// aside is what ReplaceFile appends to a path while it writes.
const aside = ".nacre-new"

// ReplaceFile puts text in a file's place in one step, where the server can do
// so: a new file is written beside it and takes its name. A server without
// posix-rename has the file written over.
func (c *Client) ReplaceFile(path string, text []byte, perm fs.FileMode) error {
	if c.extensions[extPosixRename] == "" {
		return c.writeFile(path, text, perm)
	}
	if err := c.writeFile(path+aside, text, perm); err != nil {
		c.Remove(path + aside)
		return err
	}
	if err := c.Rename(path+aside, path); err != nil {
		c.Remove(path + aside)
		return err
	}
	return nil
}

func (c *Client) writeFile(path string, text []byte, perm fs.FileMode) error {
	h, err := c.open(path, openWrite|openCreate|openTruncate, mode(perm))
	if err != nil {
		return err
	}
	for offset := 0; offset < len(text); offset += chunk {
		if err := h.write(uint64(offset), text[offset:min(offset+chunk, len(text))]); err != nil {
			h.close()
			return err
		}
	}
	return h.close()
}

// Chmod sets the permissions of a file or directory.
func (c *Client) Chmod(path string, perm fs.FileMode) error {
	return c.done("chmod", path, append(wire.AppendString(request(msgSetstat), path), mode(perm)...))
}

// Mkdir makes a directory.
func (c *Client) Mkdir(path string, perm fs.FileMode) error {
	return c.done("mkdir", path, append(wire.AppendString(request(msgMkdir), path), mode(perm)...))
}

// Remove deletes a file.
func (c *Client) Remove(path string) error {
	return c.done("remove", path, wire.AppendString(request(msgRemove), path))
}

// Rename gives a file another name; what has that name is replaced where the
// server can do so, else refused.
func (c *Client) Rename(from, to string) error {
	b := request(msgRename)
	if c.extensions[extPosixRename] != "" {
		b = wire.AppendString(request(msgExtended), extPosixRename)
	}
	return c.done("rename", from, wire.AppendString(wire.AppendString(b, from), to))
}
