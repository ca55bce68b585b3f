package config

// unknownMemory stands for the machine's memory where it cannot be asked for.
const unknownMemory = 4 << 30

// MachineMemory is the memory of the machine in bytes.
func MachineMemory() int64 {
	if n := machineMemory(); n > 0 {
		return n
	}
	return unknownMemory
}

// AvailableMemory is the memory this process may use: the machine's, or less
// where its control group says so.
func AvailableMemory() int64 {
	machine := MachineMemory()
	if limit := groupMemory(); limit > 0 && limit < machine {
		return limit
	}
	return machine
}
