package server

import (
	"errors"

	"quarry/commands"
	"quarry/persistence/rdb"
	"quarry/store"
)

// Dump is DUMP.
func (s *Server) Dump(e *store.Entry, max int64) ([]byte, error) { return rdb.Dump(e, true, max) }

// Restore is RESTORE.
func (s *Server) Restore(d *store.DB, key []byte, r *commands.Restoring) error {
	err := rdb.Restore(d, key, r.Payload, rdb.RestoreOptions{ExpireAtMS: r.ExpireAtMS, Using: r.Using, Replace: r.Replace, Check: r.Check})
	switch {
	case errors.Is(err, rdb.ErrChecksum):
		return commands.ErrDumpChecksum
	case errors.Is(err, rdb.ErrFormat):
		return commands.ErrDumpFormat
	}
	return err
}
