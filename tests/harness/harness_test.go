package harness

import (
	"bufio"
	"errors"
	"strings"
	"testing"
)

func decode(s string) (Value, error) {
	r := reader{in: bufio.NewReader(strings.NewReader(s))}
	return r.value()
}

func TestDecodes(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"+OK\r\n", "OK"},
		{"-ERR no\r\n", "(error) ERR no"},
		{":-5\r\n", "(int) -5"},
		{"$0\r\n\r\n", `""`},
		{"$3\r\na\r\n\r\n", `"a\r\n"`},
		{"$-1\r\n", "(nil)"},
		{"*-1\r\n", "(nil array)"},
		{"_\r\n", "(nil)"},
		{"*0\r\n", "(array 0)"},
		{"*2\r\n:1\r\n*1\r\n+x\r\n", "(array 2)\n  (int) 1\n  (array 1)\n    x"},
		{"%1\r\n+k\r\n:1\r\n", "(map 1)\n  k\n    (int) 1"},
		{"~1\r\n,1.5\r\n", "(set 1)\n  (double) 1.5"},
		{",-inf\r\n", "(double) -inf"},
		{">1\r\n#t\r\n", "(push 1)\n  (bool) true"},
		{"=7\r\ntxt:a\nb\r\n", `(verbatim) "txt:a\nb"`},
		{"(123456789012345678901\r\n", "(big) 123456789012345678901"},
	} {
		v, err := decode(c.in)
		if err != nil {
			t.Errorf("%q: %v", c.in, err)
		} else if got := v.String(); got != c.want {
			t.Errorf("%q: got %q, want %q", c.in, got, c.want)
		}
	}
}

func TestRefusesBrokenReplies(t *testing.T) {
	for _, in := range []string{
		"\r\n", "+OK\n", ":1x\r\n", ":+1\r\n", ":01\r\n", "$-2\r\n", "*-2\r\n", "$1\r\nab\r\n", "%-1\r\n", "_x\r\n",
		",+inf\r\n", ",0x1p3\r\n", ",infinity\r\n", "#x\r\n", "=2\r\nab\r\n", "?\r\n", "+a\rb\n",
	} {
		if v, err := decode(in); !errors.Is(err, errProtocol) {
			t.Errorf("%q: got %v, %v; want a protocol error", in, v, err)
		}
	}
}

func TestSortedAndShape(t *testing.T) {
	v, err := decode("*2\r\n$1\r\n0\r\n*3\r\n$1\r\nc\r\n$1\r\na\r\n$1\r\nb\r\n")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := v.Sorted().String(), "(array 2)\n  \"0\"\n  (array 3)\n    \"a\"\n    \"b\"\n    \"c\""; got != want {
		t.Errorf("sorted: got %s, want %s", got, want)
	}
	if got, want := v.Shape(), "(array 2)\n  (string)\n  (array of)\n    (string)"; got != want {
		t.Errorf("shape: got %s, want %s", got, want)
	}
}

func TestField(t *testing.T) {
	const text = "# Clients\r\nconnected_clients:2\r\nid=3 name= addr=1.2.3.4:5\r\n"
	for _, c := range [][2]string{{"connected_clients", "2"}, {"id", "3"}, {"name", ""}, {"addr", "1.2.3.4:5"}, {"nope", ""}} {
		if got := Field(text, c[0]); got != c[1] {
			t.Errorf("Field %s: got %q, want %q", c[0], got, c[1])
		}
	}
}

// The client is right about the oracle too: both protocols, pushes apart from
// replies, the end of a connection.
func TestAgainstRedis(t *testing.T) {
	redis := StartRedis(t)
	c := redis.Dial(t)
	c.Want(`"hi"`, "ECHO", "hi")
	if raw := string(c.Raw()); raw != "$2\r\nhi\r\n" {
		t.Errorf("raw bytes %q", raw)
	}
	if v := c.Do("HELLO", "3"); v.Kind != Map {
		t.Errorf("HELLO 3 answers %s", v)
	}
	c.Want("(nil)", "GET", "missing")
	c.Want("OK", "CLIENT", "TRACKING", "ON")
	c.Want("(nil)", "GET", "missing")
	other := redis.Dial(t)
	other.Want("OK", "SET", "missing", "x")
	if push, err := c.ReceivePush(); err != nil || push.Elems[0].Str != "invalidate" {
		t.Errorf("got push %s, %v", push, err)
	}
	c.Want(`"x"`, "GET", "missing")
	c.Do("QUIT")
	if v := c.Do("PING"); v.Kind != Closed {
		t.Errorf("after QUIT: %s", v)
	}
}
