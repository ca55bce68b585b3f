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
		stringCommands,
		stringCounterCommands,
		stringRangeCommands,
		lcsCommands,
		listPushCommands,
		listPopCommands,
		listMoveCommands,
		listRangeCommands,
		listEditCommands,
		setCommands,
		setAlgebraCommands,
		setScanCommands,
		keysCommands,
		expireCommands,
		scanCommands,
		objectCommands,
		multiCommands,
		connectionCommands,
		crossProtocolCommands,
		clientCommands,
		serverCommands,
		configCommands,
		slowlogCommands,
		commandCommands,
	)
}
