//go:build !linux

package server

import "runtime"

// residentMemory is not known.
func residentMemory() (bytes int64, ok bool) { return 0, false }

// systemName is the system as INFO shows it.
func systemName() string { return runtime.GOOS + " " + runtime.GOARCH }
