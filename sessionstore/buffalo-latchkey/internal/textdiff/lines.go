// Package textdiff compares texts by lines.
package textdiff

import (
	"slices"
	"strings"
)

// An Op says what happens to a line.
type Op byte

// The operations, as a unified diff writes them.
const (
	Keep   Op = ' '
	Delete Op = '-'
	Insert Op = '+'
)

// A Line is one line of a comparison. Its text keeps its line ending.
type Line struct {
	Op   Op
	Text string
}

// Split cuts text after each newline. A last line without one stays as it is.
func Split(text string) []string {
	lines := strings.SplitAfter(text, "\n")
	if lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}

// WithEndings returns after with the line endings of before, if all of those are
// carriage return and newline.
func WithEndings(before, after string) string {
	crlf := strings.Count(before, "\r\n")
	if crlf == 0 || crlf < strings.Count(before, "\n") {
		return after
	}
	return strings.ReplaceAll(strings.ReplaceAll(after, "\r\n", "\n"), "\n", "\r\n")
}

// Lines returns the shortest list of operations that turns before into after.
// It is the algorithm of Eugene Myers.
func Lines(before, after string) []Line {
	a, b := Split(before), Split(after)
	prefix := commonPrefix(a, b)
	suffix := commonSuffix(a[prefix:], b[prefix:])
	midA, midB := a[prefix:len(a)-suffix], b[prefix:len(b)-suffix]

	lines := keep(nil, a[:prefix])
	lines = append(lines, walkBack(midA, midB, explore(midA, midB))...)
	return keep(lines, a[len(a)-suffix:])
}

func keep(lines []Line, texts []string) []Line {
	for _, text := range texts {
		lines = append(lines, Line{Keep, text})
	}
	return lines
}

func commonPrefix(a, b []string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

func commonSuffix(a, b []string) int {
	n := 0
	for n < len(a) && n < len(b) && a[len(a)-1-n] == b[len(b)-1-n] {
		n++
	}
	return n
}

// explore returns, for each number of edits, how far each diagonal was reached.
func explore(a, b []string) [][]int {
	limit := len(a) + len(b)
	reach := make([]int, 2*limit+3)
	var history [][]int
	for edits := 0; edits <= limit; edits++ {
		history = append(history, slices.Clone(reach))
		for k := -edits; k <= edits; k += 2 {
			x := furthest(reach, k, edits, limit)
			for x < len(a) && x-k < len(b) && a[x] == b[x-k] {
				x++
			}
			reach[limit+1+k] = x
			if x >= len(a) && x-k >= len(b) {
				return history
			}
		}
	}
	return history
}

// furthest is where diagonal k starts after one more edit.
func furthest(reach []int, k, edits, limit int) int {
	if down(reach, k, edits, limit) {
		return reach[limit+1+k+1]
	}
	return reach[limit+1+k-1] + 1
}

func down(reach []int, k, edits, limit int) bool {
	return k == -edits || k != edits && reach[limit+1+k-1] < reach[limit+1+k+1]
}

func walkBack(a, b []string, history [][]int) []Line {
	var reversed []Line
	limit, x, y := len(a)+len(b), len(a), len(b)
	for edits := len(history) - 1; edits >= 0; edits-- {
		reach, k := history[edits], x-y
		prevK := k - 1
		if down(reach, k, edits, limit) {
			prevK = k + 1
		}
		prevX := reach[limit+1+prevK]
		prevY := prevX - prevK
		for x > prevX && y > prevY && x > 0 && y > 0 {
			x, y = x-1, y-1
			reversed = append(reversed, Line{Keep, a[x]})
		}
		if edits == 0 {
			break
		}
		if x == prevX {
			reversed = append(reversed, Line{Insert, b[prevY]})
		} else {
			reversed = append(reversed, Line{Delete, a[prevX]})
		}
		x, y = prevX, prevY
	}
	slices.Reverse(reversed)
	return reversed
}
