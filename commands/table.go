package commands

// NewCommandTable strings the families together: the one list of commands.
func NewCommandTable() *Table {
	return NewTable(
		zsetAddCommands,
		zsetRangeCommands,
		zsetRankCommands,
		zsetPopCommands,
		zsetSetopsCommands,
		zsetScanCommands,
		setCommands,
		setAlgebraCommands,
		setScanCommands,
		sortCommands,
		keysCommands,
		expireCommands,
		scanCommands,
		objectCommands,
		connectionCommands,
		crossProtocolCommands,
		clientCommands,
		serverCommands,
		configCommands,
		slowlogCommands,
		commandCommands,
	)
}
