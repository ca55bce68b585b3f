package persistence

import (
	"errors"
	"testing"

	"quarry/persistence/vfs"
)

func examined(t *testing.T, mem *vfs.Mem, dir string, repair bool) (Report, error) {
	t.Helper()
	var told tale
	o := CheckOptions{FS: mem, Dir: dir, Base: told.base, Apply: told.apply}
	if repair {
		return Repair(o)
	}
	return Check(o)
}

func TestCheckAndRepair(t *testing.T) {
	whole, o, commands := written(t, true)
	for _, dir := range []string{"/data", "/data/appendonlydir"} {
		rep, err := examined(t, whole.Crash(vfs.LoseNothing, nil), dir, false)
		if err != nil || rep.Fault != nil || len(rep.Files) != 2 || rep.Files[0].Commands+rep.Files[1].Commands < int64(commands) {
			t.Errorf("%s: %+v, %v", dir, rep, err)
		}
	}
	mem := whole.Crash(vfs.LoseNothing, nil)
	size := sizeOf(t, mem, firstIncr)
	mem.Flip(firstIncr, size/2, 1)
	rep, err := examined(t, mem, "/data", false)
	if err != nil || rep.Fault == nil || rep.Fault.Torn || rep.Fault.File != firstIncr || rep.Lost != size-rep.Fault.Offset+sizeOf(t, mem, lastIncr) {
		t.Fatalf("%+v, %v", rep, err)
	}
	if sizeOf(t, mem, firstIncr) != size {
		t.Error("a check has changed a file")
	}
	if _, _, err := recovered(mem, o); !errors.Is(err, ErrDamaged) {
		t.Errorf("a start on damage: %v", err)
	}
	rep, err = examined(t, mem, "/data", true)
	if err != nil || len(rep.Cut) != 2 || sizeOf(t, mem, firstIncr) != rep.Fault.Offset || sizeOf(t, mem, lastIncr) != 0 {
		t.Fatalf("%+v, %v", rep, err)
	}
	if kept := sizeOf(t, mem, rep.Cut[0].SideAt) + sizeOf(t, mem, rep.Cut[1].SideAt); kept != rep.Lost {
		t.Errorf("%d bytes are kept of %d", kept, rep.Lost)
	}
	told, _, err := recovered(mem, o)
	if err != nil || told.last == 0 || told.last >= commands || len(told.wrong) > 0 {
		t.Errorf("after the repair: %+v, %v", told, err)
	}
	rep, err = examined(t, mem, "/data", false)
	if err != nil || rep.Fault != nil || len(rep.Kept) != 2 {
		t.Errorf("the check of what was repaired: %+v, %v", rep, err)
	}
}

func TestCheckFindsTornTails(t *testing.T) {
	mem, _, _ := written(t, false)
	truncate(t, mem, lastIncr, sizeOf(t, mem, lastIncr)-1)
	rep, err := examined(t, mem, "/data", false)
	if err != nil || rep.Fault == nil || !rep.Fault.Torn {
		t.Errorf("%+v, %v", rep, err)
	}
}

func TestCheckOfWhatIsNone(t *testing.T) {
	mem := vfs.NewMem()
	must(t, mem.MkdirAll("/data"))
	if _, err := examined(t, mem, "/data", false); err == nil {
		t.Error("an empty directory is checked")
	}
	if _, err := examined(t, mem, "/nowhere", false); err == nil {
		t.Error("no directory is checked")
	}
	whole, o, _ := written(t, true)
	o.FS = whole
	d, err := Open(o)
	must(t, err)
	if _, err := examined(t, whole, "/data", true); !errors.Is(err, vfs.ErrLocked) {
		t.Errorf("a directory in use: %v", err)
	}
	must(t, d.Close())
	whole.Flip("/data/appendonlydir/appendonly.aof.manifest", 2, 1)
	if _, err := examined(t, whole, "/data", true); !errors.Is(err, ErrDamaged) {
		t.Errorf("a damaged manifest: %v", err)
	}
}
