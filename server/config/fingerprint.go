package config

import (
	"fmt"
	"strings"

	"github.com/cespare/xxhash/v2"
)

// Fingerprint tells configurations apart: a hash (xxhash64, in hexadecimal) of all options in force but the password.
func (c *Config) Fingerprint() string {
	// Values in force may be read at any time; a hook, which is called with mu held, may ask.
	h := xxhash.New()
	for i := range options {
		o := &options[i]
		f := o.at(c)
		if f == field(&c.RequirePass) {
			continue
		}
		_, _ = h.WriteString(o.name + " " + strings.Join(f.words(o, f.effective()), " ") + "\n") // a hash takes all
	}
	return fmt.Sprintf("%016x", h.Sum64())
}
