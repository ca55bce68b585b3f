//go:build !linux && !darwin

package config

// machineMemory is 0: the machine's memory is not known.
func machineMemory() int64 { return 0 }

// groupMemory is 0: there are no control groups.
func groupMemory() int64 { return 0 }
