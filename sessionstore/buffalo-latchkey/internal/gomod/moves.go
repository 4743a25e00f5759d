package gomod

import (
	"regexp"
	"sort"
	"strconv"
	"strings"
)

// A Move is a module whose version changed, with the requirements that lead from
// the store to it.
type Move struct {
	Module, Before, After string
	Why                   []string
}

// versions lists the versions of all modules of one of the copies. Listing adds
// checksums, so it works on another copy.
func (w *workspace) versions(name string) (map[string]string, error) {
	if err := w.copyForList(name); err != nil {
		return nil, err
	}
	out, err := w.run("list", "-m", "-mod=mod", "-modfile="+w.file("list"), "all")
	if err != nil {
		return nil, err
	}
	versions := map[string]string{}
	for _, line := range strings.Split(out, "\n") {
		if fields := strings.Fields(line); len(fields) > 1 {
			versions[fields[0]] = fields[1]
		}
	}
	return versions, nil
}

func (w *workspace) copyForList(name string) error {
	mod, sum, err := w.read(name)
	if err != nil {
		return err
	}
	return w.write("list", mod, sum)
}

// moves compares the versions of the modules that go.mod lists, before or after. The
// others are only mentioned by some module: the app has no package of theirs.
func (w *workspace) moves(r *Result, before map[string]string, target Target) ([]Move, error) {
	after, err := w.versions("after")
	if err != nil {
		return nil, err
	}
	out, err := w.run("mod", "graph", "-modfile="+w.file("list"))
	if err != nil {
		return nil, err
	}
	graph := parseGraph(out)
	start := target.Module + "@" + after[target.Module]
	var moves []Move
	for module := range listed(r.ModBefore + "\n" + r.ModAfter) {
		version := after[module]
		if version == "" || version == before[module] || module == target.Module {
			continue
		}
		moves = append(moves, Move{module, before[module], version, graph.path(start, module+"@"+version)})
	}
	sort.Slice(moves, func(i, j int) bool { return moves[i].Module < moves[j].Module })
	return moves, nil
}

var requirement = regexp.MustCompile(`(?m)^\s*(?:require\s+)?(\S+)\s+v[0-9]\S*`)

// listed returns the modules that the text of a go.mod names.
func listed(mod string) map[string]bool {
	names := map[string]bool{}
	for _, match := range requirement.FindAllStringSubmatch(mod, -1) {
		names[match[1]] = true
	}
	return names
}

// A graph maps each module version to the ones that it requires.
type graph map[string][]string

func parseGraph(out string) graph {
	g := graph{}
	for _, line := range strings.Split(out, "\n") {
		if fields := strings.Fields(line); len(fields) == 2 {
			g[fields[0]] = append(g[fields[0]], fields[1])
		}
	}
	return g
}

// path is the shortest way from one module version to another, or nil.
func (g graph) path(from, to string) []string {
	previous := map[string]string{from: ""}
	for queue := []string{from}; len(queue) > 0; queue = queue[1:] {
		if queue[0] == to {
			return trace(previous, to)
		}
		for _, next := range g[queue[0]] {
			if _, seen := previous[next]; !seen {
				previous[next] = queue[0]
				queue = append(queue, next)
			}
		}
	}
	return nil
}

func trace(previous map[string]string, to string) []string {
	var steps []string
	for at := to; at != ""; at = previous[at] {
		steps = append([]string{at}, steps...)
	}
	return steps
}

// older compares two versions by their numbers. Of versions with the same
// numbers, the one with a suffix is older.
func older(a, b string) bool {
	aNumbers, aSuffix := numbers(a)
	bNumbers, bSuffix := numbers(b)
	for i := range aNumbers {
		if aNumbers[i] != bNumbers[i] {
			return aNumbers[i] < bNumbers[i]
		}
	}
	if aSuffix == "" || bSuffix == "" {
		return aSuffix != "" && bSuffix == ""
	}
	return aSuffix < bSuffix
}

func numbers(version string) (n [3]int, suffix string) {
	version, suffix, _ = strings.Cut(strings.TrimPrefix(version, "v"), "-")
	for i, part := range strings.SplitN(version, ".", 3) {
		n[i], _ = strconv.Atoi(part)
	}
	return n, suffix
}

// OlderGo compares two versions of Go, such as 1.16 and 1.24.0.
func OlderGo(a, b string) bool { return a != "" && b != "" && older(a, b) }
