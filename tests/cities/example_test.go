package cities

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strconv"

	"github.com/redis/go-redis/v9"

	"quarry/server"
	"quarry/server/config"
)

// Boards of places by population: the README's tutorial, as a program.
func Example() {
	addr, stop := serve() // or: go run . in a shell, and "127.0.0.1:6379" here
	defer stop()
	ctx := context.Background()
	db := redis.NewClient(&redis.Options{Addr: addr})
	defer db.Close()

	places, err := load("testdata/cities.tsv")
	must(err)

	// Scores go in by pipeline: one board for the world, one for each country.
	_, err = db.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, place := range places {
			row := redis.Z{Score: float64(place.population), Member: place.member}
			p.ZAdd(ctx, "world", row)
			p.ZAdd(ctx, "country:"+place.country, row)
		}
		return nil
	})
	must(err)

	// Who is first?
	top, err := db.ZRevRangeWithScores(ctx, "world", 0, 2).Result()
	must(err)
	for i, row := range top {
		fmt.Printf("%d. %s %.0f\n", i+1, row.Member, row.Score)
	}

	// Where am I? Ranks count from 0.
	me := "2193733:Auckland"
	rank, err := db.ZRevRank(ctx, "world", me).Result()
	must(err)
	home, err := db.ZRevRank(ctx, "country:NZ", me).Result()
	must(err)
	fmt.Printf("%s is %d. in the world and %d. at home\n", me, rank+1, home+1)

	// Who is around me?
	around, err := db.ZRevRange(ctx, "world", rank-1, rank+1).Result()
	must(err)
	fmt.Println(around)

	// Equals share a rank: one more than the number of those who are better.
	score, err := db.ZScore(ctx, "country:NZ", "2206894:Hokitika").Result()
	must(err)
	better, err := db.ZCount(ctx, "country:NZ", fmt.Sprintf("(%g", score), "+inf").Result()
	must(err)
	equals, err := db.ZCount(ctx, "country:NZ", fmt.Sprint(score), fmt.Sprint(score)).Result()
	must(err)
	fmt.Printf("rank %d is shared by %d places\n", better+1, equals)

	// A point more moves a row up at once.
	now, err := db.ZIncrBy(ctx, "country:AD", 1_000_000, "3039163:Sant Julià de Lòria").Result()
	must(err)
	first, err := db.ZRevRange(ctx, "country:AD", 0, 0).Result()
	must(err)
	fmt.Println(first, strconv.FormatFloat(now, 'f', -1, 64))

	// The season ends in one step, whatever the size of the board.
	must(db.Rename(ctx, "world", "world:season:1").Err())
	rows, err := db.ZCard(ctx, "world").Result()
	must(err)
	fmt.Println("rows in the new season:", rows)

	// Output:
	// 1. 1850147:Tokyo 8336599
	// 2. 3871336:Santiago 4837295
	// 3. 1848354:Yokohama 3574443
	// 2193733:Auckland is 42. in the world and 1. at home
	// [1848313:Yokosuka 2193733:Auckland 1856177:Nagasaki]
	// rank 77 is shared by 2 places
	// [3039163:Sant Julià de Lòria] 1008022
	// rows in the new season: 0
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// serve runs a server on a free port, as main does.
func serve() (addr string, stop func()) {
	dir, err := os.MkdirTemp("", "quarry")
	must(err)
	cfg, err := config.Load([]string{"--port", "0", "--dir", dir})
	must(err)
	s, err := server.New(cfg, slog.New(slog.NewTextHandler(io.Discard, nil)))
	must(err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	s.AddListener(listener)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- s.Run(ctx) }()
	return listener.Addr().String(), func() {
		cancel()
		must(<-ended)
		must(s.Close())
	}
}
