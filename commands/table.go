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
		setCommands,
		setAlgebraCommands,
		setScanCommands,
		hashCommands,
		hashCounterCommands,
		hashScanCommands,
		keysCommands,
		expireCommands,
		scanCommands,
		objectCommands,
		multiCommands,
		connectionCommands,
		pubsubCommands,
		crossProtocolCommands,
		clientCommands,
		serverCommands,
		configCommands,
		slowlogCommands,
		commandCommands,
	)
}
