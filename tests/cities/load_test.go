package cities

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// place is one row.
type place struct {
	member     string // "id:name", since names repeat
	country    string
	lon, lat   string // degrees
	population int64
}

// load reads the rows of a file.
func load(path string) ([]place, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var places []place
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		c := strings.Split(lines.Text(), "\t")
		if len(c) != 6 {
			return nil, fmt.Errorf("%s: %d columns in %q", path, len(c), lines.Text())
		}
		if c[0] == "id" {
			continue // the heading
		}
		population, err := strconv.ParseInt(c[5], 10, 64)
		if err != nil {
			return nil, err
		}
		places = append(places, place{c[0] + ":" + c[1], c[2], c[3], c[4], population})
	}
	return places, lines.Err()
}

// file is the rows to use.
func file() string {
	if path := os.Getenv("QUARRY_CITIES"); path != "" {
		return path
	}
	return "testdata/cities.tsv"
}
