package commands

import "testing"

func TestClientNamesAndLibraries(t *testing.T) {
	f := newFakes(t)
	f.answers([][2]string{
		{"CLIENT GETNAME", "nil"},
		{"CLIENT SETNAME ada", "OK"},
		{"CLIENT GETNAME", `"ada"`},
		{"CLIENT SETNAME a_b", "-" + errClientName}, // call writes a blank for _
		{"CLIENT SETNAME é", "-" + errClientName},
		{"CLIENT GETNAME", `"ada"`},
		{`CLIENT SETNAME ""`, "OK"},
		{"CLIENT GETNAME", "nil"},
		{"CLIENT SETINFO lib-name go-redis(,go1.26)", "OK"},
		{"CLIENT SETINFO LIB-VER 9.23", "OK"},
		{"CLIENT SETINFO Lib-Ver 9_23", "-ERR Lib-Ver cannot contain spaces, newlines or special characters."},
		{"CLIENT SETINFO lib-colour red", "-ERR Unrecognized option 'lib-colour'"},
	})
	if f.client.libName != "go-redis(,go1.26)" || f.client.libVer != "9.23" {
		t.Errorf("library %q %q", f.client.libName, f.client.libVer)
	}
}

func TestClientSwitches(t *testing.T) {
	f := newFakes(t)
	f.answers([][2]string{
		{"CLIENT NO-EVICT on", "OK"},
		{"CLIENT NO-TOUCH ON", "OK"},
		{"CLIENT NO-TOUCH maybe", "-" + errSyntax},
		{"CLIENT REPLY maybe", "-" + errSyntax},
		{"CLIENT REPLY off", ""},
	})
	if !f.client.noEvict || !f.client.noTouch || f.client.reply != ReplyOff {
		t.Errorf("switches are %+v", f.client)
	}
	f.answers([][2]string{
		{"CLIENT NO-EVICT off", "OK"},
		{"CLIENT NO-TOUCH off", "OK"},
		{"CLIENT REPLY skip", ""},
	})
	if f.client.noEvict || f.client.noTouch || f.client.reply != ReplySkip {
		t.Errorf("switches are %+v", f.client)
	}
	f.answers([][2]string{{"CLIENT REPLY on", "OK"}})
	if f.client.reply != ReplyOn {
		t.Errorf("replies are %v", f.client.reply)
	}
}

// TestClientFilters checks what the process is asked, or that it is not.
func TestClientFilters(t *testing.T) {
	const none, all = "kill {IDs:[] Addr: LAddr: Type: User: SkipMe:true MaxAge:0 Self:7}", "list {IDs:[] Addr: LAddr: Type: User: SkipMe:false MaxAge:0 Self:0}"
	for _, c := range []struct{ call, asked, answer string }{
		{"CLIENT LIST", all, `txt:"id=7\n"`},
		{"CLIENT LIST TYPE Slave", "list {IDs:[] Addr: LAddr: Type:replica User: SkipMe:false MaxAge:0 Self:0}", `txt:"id=7\n"`},
		{"CLIENT LIST ID 3 -1 5", "list {IDs:[3 -1 5] Addr: LAddr: Type: User: SkipMe:false MaxAge:0 Self:0}", `txt:"id=7\n"`},
		{"CLIENT LIST ID 3 x", "", "-ERR Invalid client ID"},
		{"CLIENT LIST ID", "", "-" + errSyntax},
		{"CLIENT LIST TYPE", "", "-" + errSyntax},
		{"CLIENT LIST TYPE normal more", "", "-" + errSyntax},
		{"CLIENT LIST TYPE x", "", "-ERR Unknown client type 'x'"},
		{`CLIENT KILL ""`, `kill {IDs:[] Addr:"" LAddr: Type: User: SkipMe:false MaxAge:0 Self:0}`, "OK"},
		{`CLIENT KILL ADDR "" LADDR ""`, `kill {IDs:[] Addr:"" LAddr:"" Type: User: SkipMe:true MaxAge:0 Self:7}`, "2"},
		{"CLIENT KILL 1.2.3.4:5", `kill {IDs:[] Addr:"1.2.3.4:5" LAddr: Type: User: SkipMe:false MaxAge:0 Self:0}`, "OK"},
		{"CLIENT KILL skipme yes", none, "2"},
		{"CLIENT KILL ID 4 id 5 ADDR a LADDR b TYPE pubsub USER default SKIPME no MAXAGE 9",
			`kill {IDs:[5] Addr:"a" LAddr:"b" Type:pubsub User:default SkipMe:false MaxAge:9 Self:7}`, "2"},
		{"CLIENT KILL ID 0", "", "-ERR client-id should be greater than 0"},
		{"CLIENT KILL ID x", "", "-ERR client-id should be greater than 0"},
		{"CLIENT KILL MAXAGE x", "", "-ERR maxage is not an integer or out of range"},
		{"CLIENT KILL MAXAGE 0", "", "-ERR maxage should be greater than 0"},
		{"CLIENT KILL TYPE x", "", "-ERR Unknown client type 'x'"},
		{"CLIENT KILL USER ada", "", "-ERR No such user 'ada'"},
		{"CLIENT KILL SKIPME maybe", "", "-" + errSyntax},
		{"CLIENT KILL ID 4 ADDR", "", "-" + errSyntax},
		{"CLIENT KILL COLOUR red", "", "-" + errSyntax},
		{"CLIENT UNBLOCK 9", "unblock 9 false", "1"},
		{"CLIENT UNBLOCK 9 timeout", "unblock 9 false", "1"},
		{"CLIENT UNBLOCK 9 ERROR", "unblock 9 true", "1"},
		{"CLIENT UNBLOCK 9 soon", "", "-ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR"},
		{"CLIENT UNBLOCK x", "", "-" + errNotInt},
		{"CLIENT unblock 9 ERROR x", "", "-ERR unknown subcommand or wrong number of arguments for 'unblock'. Try CLIENT HELP."},
	} {
		f := newFakes(t)
		f.host.killed, f.host.unblocks = 2, true
		if answer := f.call(c.call); answer != c.answer || f.host.asked != c.asked {
			t.Errorf("%s\n got %s, asked %s\nwant %s, asked %s", c.call, answer, f.host.asked, c.answer, c.asked)
		}
	}
	newFakes(t).answers([][2]string{{"CLIENT KILL 1.2.3.4:5", "-ERR No such client"}, {"CLIENT KILL ID 9", "0"}})
}
