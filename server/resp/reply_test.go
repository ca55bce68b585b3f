package resp_test

import (
	"quarry/commands"
	"quarry/server/resp"
)

var _ commands.Reply = (*resp.Writer)(nil)
