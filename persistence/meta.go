package persistence

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/cespare/xxhash/v2"

	"quarry/persistence/vfs"
)

// metaFormat is the version of the files' form that this program writes, and
// the highest it reads.
const metaFormat = 1

// meta is what quarry.meta says. It is beside what Redis reads; without it a
// directory can still be loaded.
type meta struct {
	format      int
	version     string
	fingerprint string
	key         uint64 // 0: not known
	boot        string // the machine's last start, when this was written; "": not known
}

func appendMeta(dst []byte, m *meta) []byte {
	from := len(dst)
	dst = fmt.Appendf(dst, "format %d\nversion %s\nfingerprint %s\nkey %016x\nboot %s\n",
		m.format, strconv.Quote(m.version), strconv.Quote(m.fingerprint), m.key, strconv.Quote(m.boot))
	return fmt.Appendf(dst, "check %016x\n", xxhash.Sum64(dst[from:]))
}

var errMeta = errors.New("not the content of a " + metaName)

// parseMeta decodes a quarry.meta. Of a later format only the number is read,
// and the check, which stays the last line of the file.
func parseMeta(text []byte) (m meta, err error) {
	body, check, found := cutLast(text, "\ncheck ")
	if !found || check != fmt.Sprintf("%016x\n", xxhash.Sum64(body)) {
		return m, errMeta
	}
	for row := range strings.Lines(string(body)) {
		name, value, _ := strings.Cut(strings.TrimSuffix(row, "\n"), " ")
		switch name {
		case "format":
			m.format, err = strconv.Atoi(value)
		case "version":
			m.version, err = strconv.Unquote(value)
		case "fingerprint":
			m.fingerprint, err = strconv.Unquote(value)
		case "key":
			m.key, err = strconv.ParseUint(value, 16, 64)
		case "boot":
			m.boot, err = strconv.Unquote(value)
		}
		if m.format > metaFormat {
			return m, fmt.Errorf("format %d, this version reads up to %d: %w", m.format, metaFormat, ErrNewer)
		} else if err != nil {
			return m, errMeta
		}
	}
	if m.format < 1 {
		return m, errMeta
	}
	return m, nil
}

// cutLast cuts text before its last line, which begins with what mark says.
func cutLast(text []byte, mark string) (before []byte, after string, found bool) {
	i := bytes.LastIndex(text, []byte(mark))
	if i < 0 {
		return text, "", false
	}
	return text[:i+1], string(text[i+len(mark):]), true
}

// readMeta reads quarry.meta where there is one. A damaged one is reported and
// made anew: all that is needed of it stands in the log, too.
func (d *Dir) readMeta() error {
	path := d.file(metaName)
	text, err := vfs.ReadFile(d.fs, path, 1<<20)
	if errors.Is(err, vfs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	m, err := parseMeta(text)
	if errors.Is(err, ErrNewer) {
		return fmt.Errorf("%s: %w", path, err)
	} else if err != nil {
		d.o.Log.Warn("The side file of the log is damaged and is made anew; no data is in it", "file", path)
		return nil
	}
	d.meta = m
	return nil
}

// writeMeta notes this version, configuration and key.
func (d *Dir) writeMeta() error {
	m := meta{metaFormat, d.o.Version, d.o.Fingerprint, d.meta.key, d.o.Boot}
	for m.key == 0 {
		m.key = d.o.Key()
	}
	if m == d.meta {
		return nil
	}
	err := replaceFile(d.fs, d.file(metaName), d.file(tempPrefix+metaName), func(w io.Writer) error {
		_, err := w.Write(appendMeta(nil, &m))
		return err
	})
	if err == nil {
		d.meta = m
	}
	return err
}
