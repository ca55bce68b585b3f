package bench

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
)

// chart is a plot with logarithmic axes.
type chart struct {
	title string
	x, y  scale
	lines []line
}

// scale is an axis; both ends are powers of ten.
type scale struct {
	least, greatest float64
	label           func(float64) string
}

// line joins points, which come in the order of their x.
type line struct {
	name   string
	points []point
}

type point struct{ x, y float64 }

// The sizes of a picture and where its axes lie, in pixels.
const (
	chartWidth, chartHeight   = 720, 400
	chartLeft, chartRight     = 70, 640 // to the right of it stand the names of the lines
	chartTop, chartBottom     = 50, 350
	chartFont                 = 13
	chartBelow, chartBesideOf = 20, 8 // from an axis to its labels
)

// at is where a value lies between the ends of a scale: from 0 to 1.
func (s scale) at(v float64) float64 {
	return math.Log(v/s.least) / math.Log(s.greatest/s.least)
}

// hold makes a scale long enough for a value.
func (s *scale) hold(v float64) {
	for v < s.least {
		s.least /= 10
	}
	for v > s.greatest {
		s.greatest *= 10
	}
}

// decades are the powers of ten on a scale.
func (s scale) decades() (list []float64) {
	const rounding = 1.001
	for v := s.least; v <= s.greatest*rounding; v *= 10 {
		list = append(list, v)
	}
	return list
}

// pixel is where a point is drawn.
func (c chart) pixel(p point) (x, y float64) {
	return chartLeft + c.x.at(p.x)*(chartRight-chartLeft), chartBottom - c.y.at(p.y)*(chartBottom-chartTop)
}

// Colours that can be told apart on light and on dark ground, also by those who see few colours.
const chartStyle = `
text { font: %dpx sans-serif; fill: #1f2328 }
.grid { stroke: #d1d9e0 }
path.line { fill: none; stroke-width: 2.5 }
.c0 { stroke: #bc4c00; fill: #bc4c00 }
.c1 { stroke: #0969da; fill: #0969da }
text.c0, text.c1 { stroke: none }
@media (prefers-color-scheme: dark) {
text { fill: #f0f6fc }
.grid { stroke: #3d444d }
.c0 { stroke: #f0883e; fill: #f0883e }
.c1 { stroke: #58a6ff; fill: #58a6ff }
}
`

// svg draws the chart on no ground of its own.
func (c chart) svg() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" role=\"img\">\n", chartWidth, chartHeight)
	fmt.Fprintf(&b, "<title>%s</title>\n<style>"+chartStyle+"</style>\n", escaped(c.title), chartFont)
	text(&b, chartLeft, chartTop/2, "start", "", c.title)
	for _, v := range c.x.decades() {
		x, _ := c.pixel(point{v, c.y.least})
		fmt.Fprintf(&b, "<path class=\"grid\" d=\"M%.1f %dV%d\"/>\n", x, chartTop, chartBottom)
		text(&b, x, chartBottom+chartBelow, "middle", "", c.x.label(v))
	}
	for _, v := range c.y.decades() {
		_, y := c.pixel(point{c.x.least, v})
		fmt.Fprintf(&b, "<path class=\"grid\" d=\"M%d %.1fH%d\"/>\n", chartLeft, y, chartRight)
		text(&b, chartLeft-chartBesideOf, y+chartFont/3, "end", "", c.y.label(v))
	}
	for i, l := range c.lines {
		c.draw(&b, l, fmt.Sprintf("c%d", i))
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

// draw draws a line with a dot at each point and its name behind the last.
func (c chart) draw(b *bytes.Buffer, l line, class string) {
	var path, dots strings.Builder
	var x, y float64
	for i, p := range l.points {
		x, y = c.pixel(p)
		command := 'L'
		if i == 0 {
			command = 'M'
		}
		fmt.Fprintf(&path, "%c%.1f %.1f", command, x, y)
		fmt.Fprintf(&dots, "<circle class=\"%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\"/>\n", class, x, y)
	}
	fmt.Fprintf(b, "<g><path class=\"line %s\" d=\"%s\"/>\n%s</g>\n", class, path.String(), dots.String())
	text(b, x+chartBesideOf, y+chartFont/3, "start", class, l.name)
}

func text(b *bytes.Buffer, x, y float64, anchor, class, s string) {
	if class != "" {
		class = fmt.Sprintf(" class=%q", class)
	}
	fmt.Fprintf(b, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\"%s>%s</text>\n", x, y, anchor, class, escaped(s))
}

func escaped(s string) string {
	var b strings.Builder
	// A strings.Builder takes everything.
	_ = xml.EscapeText(&b, []byte(s))
	return b.String()
}

// checkSVG fails the test unless a drawing is well-formed and all of its dots lie between the axes.
func checkSVG(t *testing.T, drawn []byte) (dots int) {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(drawn))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return dots
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, drawn)
		}
		e, ok := token.(xml.StartElement)
		if !ok || e.Name.Local != "circle" {
			continue
		}
		dots++
		var x, y float64
		for _, a := range e.Attr {
			switch a.Name.Local {
			case "cx":
				_, err = fmt.Sscan(a.Value, &x)
			case "cy":
				_, err = fmt.Sscan(a.Value, &y)
			}
			if err != nil {
				t.Fatalf("%s=%q", a.Name.Local, a.Value)
			}
		}
		if x < chartLeft || x > chartRight || y < chartTop || y > chartBottom {
			t.Errorf("a dot lies at %.1f, %.1f", x, y)
		}
	}
}

func TestChart(t *testing.T) {
	c := chart{
		title: "a < b & c",
		x:     scale{1, 100, metres},
		y:     scale{1, 1000, microseconds},
		lines: []line{{"rising", []point{{1, 1}, {10, 10}, {100, 1000}}}, {"level", []point{{1, 1}, {100, 1}}}},
	}
	if x, y := c.pixel(point{10, 1}); x != (chartLeft+chartRight)/2 || y != chartBottom {
		t.Errorf("the middle of the lower axis is at %.1f, %.1f", x, y)
	}
	drawn := c.svg()
	if dots := checkSVG(t, drawn); dots != 5 {
		t.Errorf("%d dots", dots)
	}
	for _, part := range []string{"a &lt; b &amp; c", ">rising<", ">level<", ">100 m<", ">1 ms<", "M70.0 350.0L355.0 250.0L640.0 50.0"} {
		if !bytes.Contains(drawn, []byte(part)) {
			t.Errorf("%s is not in\n%s", part, drawn)
		}
	}
	if got := c.x.decades(); len(got) != 3 {
		t.Errorf("decades %v", got)
	}
	s := scale{least: 1, greatest: 10}
	for _, v := range []float64{5, 0.2, 101} {
		s.hold(v)
	}
	if s.least != 0.1 || s.greatest != 1000 {
		t.Errorf("from %v to %v", s.least, s.greatest)
	}
}
