package rdb_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"quarry/persistence/rdb"
	"quarry/store"
)

var rewriteOld = flag.Bool("rewrite-old", false, "write testdata/v*.rdb anew")

// oldVersions are those of which testdata has files, made by craftFile.
var oldVersions = []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 80}

func oldFile(t testing.TB, version int) []byte {
	t.Helper()
	name := filepath.Join("testdata", fmt.Sprintf("v%02d.rdb", version))
	if *rewriteOld {
		file, _ := craftFile(version)
		if err := os.WriteFile(name, file, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	file, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func load(t testing.TB, file []byte, o rdb.LoadOptions) (*store.Store, rdb.Stats, error) {
	t.Helper()
	s := newStore(t, store.Options{Shards: 4, Seed: 1})
	o.Size = int64(len(file))
	stats, err := rdb.Load(bytes.NewReader(file), s, o)
	return s, stats, err
}

// TestOldFiles: files of every version are loaded, and are what craftFile makes still.
func TestOldFiles(t *testing.T) {
	for _, version := range oldVersions {
		file := oldFile(t, version)
		made, want := craftFile(version)
		if !bytes.Equal(file, made) {
			t.Errorf("version %d: the file is no longer what is made", version)
		}
		s, stats, err := load(t, file, rdb.LoadOptions{NowMS: nowMS, Workers: 2})
		if err != nil || stats.Keys != int64(len(want)) || stats.Version != version {
			t.Fatalf("version %d: %+v, %v", version, stats, err)
		}
		checkEqual(t, withoutEncoding(contents(s)), want)
	}
}

// TestRedisLoadsOldFiles: they are what Redis takes them for, those that the oracle can know.
func TestRedisLoadsOldFiles(t *testing.T) {
	for _, version := range oldVersions {
		if version > 10 {
			continue
		}
		file, want := craftFile(version)
		// It has no module of that name, and ends.
		if from := bytes.Index(file, []byte{247, 0x81}); from >= 0 {
			to := from + bytes.Index(file[from:], []byte("text\x00")) + len("text\x00")
			file = append(file[:from:from], file[to:len(file)-8]...)
			file = append(file, u64(int(rdb.Checksum(file)))...)
		}
		c := startWith(t, file)
		checkEqual(t, redisContents(t, c), want)
		if *rewriteOld && version == 10 {
			c.Want("OK", "SAVE")
			saved := filepath.Join(c.Do("CONFIG", "GET", "dir").Strings()[1], "dump.rdb")
			if err := os.Rename(saved, redisFile); err != nil {
				t.Fatal(err)
			}
		}
	}
}

const redisFile = "testdata/redis-7.0.15.rdb"

// TestRedis70File: a file that redis-server 7.0.15 has written.
func TestRedis70File(t *testing.T) {
	file, err := os.ReadFile(redisFile)
	if err != nil {
		t.Fatal(err)
	}
	s, stats, err := load(t, file, rdb.LoadOptions{NowMS: nowMS, Workers: 2})
	_, want := craftFile(10)
	if err != nil || stats.Keys != int64(len(want)) || stats.Version != 10 {
		t.Fatalf("%+v, %v", stats, err)
	}
	checkEqual(t, withoutEncoding(contents(s)), want)
}

// TestExpiredKeys are left out, unless a log follows the file.
func TestExpiredKeys(t *testing.T) {
	file, want := craftFile(9)
	delete(want, "0:int32")
	delete(want, "0:lzf")
	s, stats, err := load(t, file, rdb.LoadOptions{NowMS: 2_000_000_000_124, Workers: 2})
	if err != nil || stats.Expired != 2 || stats.Keys != int64(len(want)) {
		t.Fatalf("%+v, %v", stats, err)
	}
	checkEqual(t, withoutEncoding(contents(s)), want)
	_, stats, err = load(t, file, rdb.LoadOptions{NowMS: 2_000_000_000_000, Workers: 2})
	if err != nil || stats.Expired != 0 {
		t.Fatalf("in its last millisecond: %+v, %v", stats, err)
	}
}
