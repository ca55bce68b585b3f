module quarry

go 1.26.0

require (
	github.com/HdrHistogram/hdrhistogram-go v1.4.0
	github.com/anishathalye/porcupine v1.3.1
	github.com/cespare/xxhash/v2 v2.3.0
	github.com/dgryski/go-metro v0.0.0-20250106013310-edb8663e5e33
	github.com/redis/go-redis/v9 v9.23.0
	github.com/tidwall/geoindex v1.7.0
	github.com/tidwall/redcon v1.6.4
	golang.org/x/sys v0.49.0
)

require (
	github.com/tidwall/btree v1.1.0 // indirect
	github.com/tidwall/cities v0.1.0 // indirect
	github.com/tidwall/lotsa v1.0.2 // indirect
	github.com/tidwall/match v1.1.1 // indirect
	go.uber.org/atomic v1.12.0 // indirect
)
