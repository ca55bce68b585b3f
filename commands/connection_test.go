package commands

import (
	"strings"
	"testing"
)

const helloReply2 = `{"server" "redis" "version" "7.4.0" "proto" 2 "id" 7 "mode" "standalone" "role" "master" "modules" []}`

var helloReply3 = strings.Replace(helloReply2, `"proto" 2`, `"proto" 3`, 1)

func TestHello(t *testing.T) {
	f := newFakes(t)
	f.answers([][2]string{
		{"HELLO", helloReply2},
		{"HELLO 3", helloReply3},
		{"HELLO", helloReply3},
		{"HELLO 2 setname ada SETNAME bob", helloReply2},
		{"CLIENT GETNAME", `"bob"`},
		{"HELLO 1", "-" + errNoProto},
		{"HELLO 4 nonsense", "-" + errNoProto},
		{"HELLO three", "-" + errProtoInt},
		{"HELLO 3 AUTH default", "-ERR Syntax error in HELLO option 'AUTH'"},
		{"HELLO 3 SETNAME", "-ERR Syntax error in HELLO option 'SETNAME'"},
		{"HELLO 3 x", "-ERR Syntax error in HELLO option 'x'"},
	})
}

// TestHelloChangesNothingWhenItFails has a right part before each wrong one.
func TestHelloChangesNothingWhenItFails(t *testing.T) {
	f := newFakes(t)
	f.answers([][2]string{
		{"HELLO 3 SETNAME ada nonsense", "-ERR Syntax error in HELLO option 'nonsense'"},
		{"HELLO 3 SETNAME ada SETNAME a_b", "-" + errClientName},
		{"HELLO 3 SETNAME ada AUTH nobody x", "-" + errWrongPass},
	})
	if f.client.name != "" || f.client.proto != 2 {
		t.Errorf("the client has become %+v", f.client)
	}
}

func TestLogin(t *testing.T) {
	f := newFakes(t)
	f.answers([][2]string{
		{"AUTH secret", "-" + errNoPassword},
		{"AUTH default whatever", "OK"},
		{"AUTH nobody whatever", "-" + errWrongPass},
		{"AUTH a b c", "-" + errSyntax},
	})
	f.client.loggedIn, f.client.password, f.host.config = false, "secret", []KV{{"requirepass", "secret"}}
	f.answers([][2]string{
		{"HELLO", "-" + errHelloNoAuth},
		{"HELLO 3 SETNAME ada", "-" + errHelloNoAuth},
		{"HELLO 3 AUTH default wrong", "-" + errWrongPass},
		{"AUTH wrong", "-" + errWrongPass},
		{"AUTH nobody secret", "-" + errWrongPass},
	})
	if f.client.loggedIn || f.client.proto != 2 || f.client.name != "" {
		t.Errorf("the client has become %+v", f.client)
	}
	f.answers([][2]string{{"HELLO 3 AUTH default secret", helloReply3}, {"AUTH secret", "OK"}, {"AUTH default secret", "OK"}})
}

// TestSecrets checks that passwords are marked for the slow log, and other arguments are not.
func TestSecrets(t *testing.T) {
	f := newFakes(t)
	for call, want := range map[string]string{
		"AUTH s":                        "AUTH *",
		"AUTH u s":                      "AUTH * *",
		"AUTH u s more":                 "AUTH * * *",
		"HELLO 3 SETNAME ada AUTH u s":  "HELLO 3 SETNAME ada AUTH * *",
		"CONFIG SET port 1":             "CONFIG SET port 1",
		"CONFIG SET a b requirepass s":  "CONFIG SET a b requirepass *",
		"CONFIG SET REQUIREPASS s c d ": "CONFIG SET REQUIREPASS * c d",
		"ACL SETUSER ada on >s":         "ACL SETUSER * * *",
		"ACL GETUSER ada":               "ACL GETUSER ada",
		"PING":                          "PING",
	} {
		f.call(call)
		words := strings.Fields(call)
		for i := range words {
			if f.ctx.IsSecret(i) {
				words[i] = "*"
			}
		}
		if got := strings.Join(words, " "); got != want {
			t.Errorf("%s is shown as %s", call, got)
		}
	}
	f.ctx.Begin(f.ctx.Spec, nil)
	if f.ctx.IsSecret(1) {
		t.Error("a secret outlives its call")
	}
}

func TestConnectionState(t *testing.T) {
	f := newFakes(t)
	f.answers([][2]string{
		{"PING", "PONG"},
		{"PING hi", `"hi"`},
		{"PING a b", "-ERR wrong number of arguments for 'ping' command"},
		{"SELECT 15", "OK"},
		{"SELECT 16", "-" + errDBIndex},
		{"SELECT -1", "-" + errDBIndex},
		{"SELECT x", "-" + errNotInt},
		{"SELECT 4294967296", "-" + errNotInt32},
		{"RESET", "RESET"},
		{"QUIT now", "OK"},
	})
	if f.client.db != 15 || !f.client.wasReset || !f.client.closing {
		t.Errorf("the client is %+v", f.client)
	}
}
