package cities

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"quarry/tests/harness"
)

const world = "world"

// fill adds every place to the world's board and to its country's, in pipelines.
func fill(t *testing.T, c *harness.Client, places []place) {
	t.Helper()
	for chunk := range slices.Chunk(places, 500) {
		var calls [][]string
		for _, p := range chunk {
			score := strconv.FormatInt(p.population, 10)
			calls = append(calls, []string{"ZADD", world, score, p.member}, []string{"ZADD", p.country, score, p.member})
		}
		for i, v := range c.Pipeline(calls...) {
			if v.Int != 1 {
				t.Fatalf("%q answers %s", calls[i], v)
			}
		}
	}
}

// boards are the rows ordered as ZREVRANGE orders them, by board.
func boards(places []place) map[string][]place {
	byBoard := map[string][]place{}
	for _, p := range places {
		byBoard[world] = append(byBoard[world], p)
		byBoard[p.country] = append(byBoard[p.country], p)
	}
	for _, b := range byBoard {
		slices.SortFunc(b, func(a, b place) int {
			return cmp.Or(cmp.Compare(b.population, a.population), strings.Compare(b.member, a.member))
		})
	}
	return byBoard
}

// questions are what a game asks about a board: the top ten, and for places
// all over it the rank, the rank shared with equals, and who is around.
func questions(name string, board []place) [][]string {
	calls := [][]string{
		{"ZCARD", name},
		{"ZREVRANGE", name, "0", "9", "WITHSCORES"},
		{"ZRANGE", name, "0", "9", "WITHSCORES"},
		{"ZRANGE", name, "+inf", "(10000", "BYSCORE", "REV", "LIMIT", "5", "10", "WITHSCORES"},
		{"ZCOUNT", name, "(0", "1000"},
		{"ZREVRANGE", name, "-10", "-1", "WITHSCORES"},
	}
	for i := 0; i < len(board); i += 1 + len(board)/40 {
		p := board[i]
		calls = append(calls,
			[]string{"ZREVRANK", name, p.member}, []string{"ZRANK", name, p.member}, []string{"ZSCORE", name, p.member},
			[]string{"ZCOUNT", name, fmt.Sprintf("(%d", p.population), "+inf"},
			[]string{"ZREVRANGE", name, strconv.Itoa(max(i-5, 0)), strconv.Itoa(i + 5), "WITHSCORES"},
			[]string{"ZRANGEBYSCORE", name, strconv.FormatInt(p.population, 10), strconv.FormatInt(p.population, 10), "LIMIT", "0", "20"},
		)
	}
	return calls
}

// Every answer is redis-server's.
func TestAnswersAreThoseOfRedis(t *testing.T) {
	places, err := load(file())
	if err != nil {
		t.Fatal(err)
	}
	oracle := harness.StartRedis(t).Dial(t)
	fill(t, oracle, places)
	for _, frontEnd := range harness.FrontEnds() {
		t.Run(frontEnd, func(t *testing.T) {
			s := harness.Start(t, harness.Options{FrontEnd: frontEnd})
			quarry := s.Dial(t)
			fill(t, quarry, places)
			for name, board := range boards(places) {
				calls := questions(name, board)
				want, got := oracle.Pipeline(calls...), quarry.Pipeline(calls...)
				for i := range calls {
					if want[i].String() != got[i].String() {
						t.Errorf("%q:\nredis answers\n%s\nquarry answers\n%s", calls[i], want[i], got[i])
					}
				}
			}
			if err := s.Check(); err != nil {
				t.Error(err)
			}
		})
	}
}

// The same, against nothing but the rows: positions, ties and windows of every place.
func TestAnswersFollowFromTheRows(t *testing.T) {
	places, err := load(file())
	if err != nil {
		t.Fatal(err)
	}
	quarry := harness.Start(t, harness.Options{}).Dial(t)
	fill(t, quarry, places)
	for name, board := range boards(places) {
		var calls [][]string
		var want []string
		above := 0 // places with more people than the present one
		for i, p := range board {
			if i > 0 && board[i-1].population > p.population {
				above = i
			}
			calls = append(calls, []string{"ZREVRANK", name, p.member}, []string{"ZCOUNT", name, fmt.Sprintf("(%d", p.population), "inf"},
				[]string{"ZREVRANGE", name, strconv.Itoa(i), strconv.Itoa(i + 2)})
			want = append(want, strconv.Itoa(i), strconv.Itoa(above), members(board[i:min(i+3, len(board))]))
		}
		for i, v := range quarry.Pipeline(calls...) {
			got := v.Text()
			if v.Kind == harness.Array {
				got = strings.Join(v.Strings(), ",")
			}
			if got != want[i] {
				t.Fatalf("%q answers %s, want %s", calls[i], v, want[i])
			}
		}
	}
}

func members(places []place) string {
	var list []string
	for _, p := range places {
		list = append(list, p.member)
	}
	return strings.Join(list, ",")
}
