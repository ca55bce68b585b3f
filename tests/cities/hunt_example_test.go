package cities

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"
)

// A treasure hunt around Auckland: the README's second tutorial, as a program. go-redis has no methods for Quarry's own commands, so they
// are sent by Do; by RESP3, as here, records are maps and distances are floats.
func Example_hunt() {
	addr, stop := serve() // or: go run . in a shell, and "127.0.0.1:6379" here
	defer stop()
	ctx := context.Background()
	db := redis.NewClient(&redis.Options{Addr: addr})
	defer db.Close()

	places, err := load("testdata/cities.tsv")
	must(err)

	// A treasure in each place, with as much gold as a hundredth of the place has people.
	must(db.Do(ctx, "HUNT.CREATE", "treasures", "FIELD", "SPACE", "GEO").Err())
	_, err = db.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, place := range places {
			p.Do(ctx, "HUNT.PUT", "treasures", "FIELDS", 1, "gold", place.population/100, "TAGS", 1, "country", place.country,
				place.lon, place.lat, place.member)
		}
		return nil
	})
	must(err)

	// The players, who are gone when they are not heard of for a minute.
	must(db.Do(ctx, "HUNT.CREATE", "players", "FIELD", "SPACE", "GEO").Err())
	must(db.Do(ctx, "HUNT.PUT", "players", "EX", 60, 174.7645, -36.8443, "ada", 174.7701, -36.8480, "bob").Err())

	// What is worth the way?
	rows, err := db.Do(ctx, "HUNT.NEARBY", "treasures", "FROMXY", 174.7645, -36.8443, "BYRADIUS", 20, "KM",
		"WHERE", "gold", 200, "+inf", "TAG", "country", "NZ", "WITHDIST", "WITHFIELDS").Slice()
	must(err)
	for _, row := range rows {
		r := row.([]any)
		fmt.Printf("%s: %.1f km, %v\n", r[0], r[1], r[2])
	}

	// Who else is around?
	around, err := db.Do(ctx, "HUNT.NEARBY", "players", "FROMMEMBER", "ada", "NOSELF", "BYRADIUS", 2, "KM").StringSlice()
	must(err)
	fmt.Println(around)

	// Ada has found one. What is next?
	must(db.SAdd(ctx, "found:ada", "2193733:Auckland").Err())
	next, err := db.Do(ctx, "HUNT.NEARBY", "treasures", "FROMXY", 174.7645, -36.8443, "COUNT", 2, "EXCLUDESET", "found:ada", "WITHDIST").Slice()
	must(err)
	for _, row := range next {
		r := row.([]any)
		fmt.Printf("%s: %.0f m\n", r[0], r[1])
	}

	// And then? The last row of a page is where the next one begins.
	last := next[len(next)-1].([]any)
	page, err := db.Do(ctx, "HUNT.NEARBY", "treasures", "FROMXY", 174.7645, -36.8443, "COUNT", 2, "EXCLUDESET", "found:ada",
		"AFTER", last[1], last[0]).StringSlice()
	must(err)
	fmt.Println(page)

	// She moves on.
	must(db.Do(ctx, "HUNT.PUT", "players", "EX", 60, 174.79, -36.9, "ada").Err())
	alone, err := db.Do(ctx, "HUNT.NEARBY", "players", "FROMMEMBER", "ada", "NOSELF", "BYRADIUS", 2, "KM").StringSlice()
	must(err)
	fmt.Println(len(alone), "around")

	// Output:
	// 2193733:Auckland: 0.5 km, map[gold:4179]
	// 2185964:North Shore: 5.1 km, map[gold:2078]
	// 2187454:Mangere: 14.1 km, map[gold:552]
	// 2187404:Manukau City: 19.4 km, map[gold:3620]
	// [bob]
	// 2185964:North Shore: 5094 m
	// 8298608:Rosebank: 9082 m
	// [6232217:Tamaki 6231804:Murrays Bay]
	// 0 around
}
