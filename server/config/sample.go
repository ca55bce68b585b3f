package config

import "strings"

const sampleHead = `# Quarry's configuration, with every directive and its default.
#
#     quarry quarry.conf --port 7777
#
# A directive is a line of words; a word with blanks in it is quoted:
# "with \"escapes\", \n and \x00" or 'plain'. Lines that begin with # are comments.
# "include path" reads another file at that place; the path may be a pattern.
# Directives on the command line win over this file, later lines over earlier.
`

// Sample is the text of the sample configuration file: the table, written out.
func Sample() string {
	var b strings.Builder
	b.WriteString(sampleHead)
	group := ""
	for i := range options {
		o := &options[i]
		if o.group != group {
			group = o.group
			b.WriteString("\n\n######## " + group + "\n")
		}
		b.WriteString("\n")
		for line := range strings.Lines(o.doc) {
			b.WriteString("# " + strings.TrimSuffix(line, "\n") + "\n")
		}
		if note := o.note(); note != "" {
			b.WriteString("# " + note + "\n")
		}
		b.WriteString(o.name + " " + o.def + "\n")
	}
	return b.String()
}

// note says in the sample file what the default's line cannot show.
func (o *option) note() string {
	var notes []string
	if o.alias != "" {
		notes = append(notes, "Older name: "+o.alias+".")
	}
	if o.change == anytime && o.fixed == "" {
		notes = append(notes, "CONFIG SET can change it.")
	}
	return strings.Join(notes, " ")
}
