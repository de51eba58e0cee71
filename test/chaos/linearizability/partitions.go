package main

import (
	"cmp"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"
)

const (
	// A partition is looked at seat by seat first, and then as a whole, for what is all or none; a larger one only seat by seat.
	seatsOfPartitionMax   = 64
	effectsOfPartitionMax = 20_000
	// Longest search of one partition. Legal ones take milliseconds; a search that takes longer has found something odd.
	searchTimeout = 20 * time.Second
	// Effects before the one that could not follow, in a report.
	effectsToldMax = 12
)

// Seats of one show that are connected by bookings that had several of them.
type partition struct {
	seats   []int32
	effects []*effect
}

type verdict struct {
	partitions int
	// Partitions too large to be looked at as a whole.
	seatBySeat int
	undecided  []string
	illegal    []violation
}

func (s *story) partitions() []partition {
	sets := newSets(len(s.seats))
	had := s.seatsOfBookings()
	for _, seats := range had {
		for _, seat := range seats {
			sets.join(seats[0], seat)
		}
	}
	for _, e := range s.effects {
		if e.kind == exchange && len(had[e.booking]) > 0 && len(had[e.heir]) > 0 {
			sets.join(had[e.booking][0], had[e.heir][0])
		}
	}
	byRoot := map[int32]*partition{}
	of := func(seat int32) *partition {
		root := sets.root(seat)
		if byRoot[root] == nil {
			byRoot[root] = &partition{}
		}
		return byRoot[root]
	}
	for seat := range s.seats {
		p := of(int32(seat))
		p.seats = append(p.seats, int32(seat))
	}
	for _, e := range s.effects {
		if seats := had[e.booking]; len(seats) > 0 {
			p := of(seats[0])
			p.effects = append(p.effects, e)
		}
	}
	var partitions []partition
	for _, p := range byRoot {
		if len(p.effects) > 0 {
			partitions = append(partitions, *p)
		}
	}
	slices.SortFunc(partitions, func(a, b partition) int { return cmp.Compare(a.seats[0], b.seats[0]) })
	return partitions
}

// All seats that a booking has, or may have, at any time.
func (s *story) seatsOfBookings() [][]int32 {
	had := make([][]int32, len(s.bookings))
	for _, e := range s.effects {
		had[e.booking] = append(had[e.booking], e.seats...)
		if e.kind == exchange {
			had[e.heir] = append(had[e.heir], e.then...)
			continue
		}
		had[e.booking] = append(had[e.booking], e.then...)
	}
	for booking := range had {
		slices.Sort(had[booking])
		had[booking] = slices.Compact(had[booking])
	}
	return had
}

// Checks all partitions, as many at a time as there are processors. Illegal ones are drawn into `folder`, unless that is empty.
func (s *story) check(folder string) verdict {
	partitions := s.partitions()
	had := s.seatsOfBookings()
	found := make([]verdict, len(partitions))
	waiting := make(chan int)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for index := range waiting {
				found[index] = s.checkPartition(partitions[index], had, folder)
			}
		}()
	}
	for index := range partitions {
		waiting <- index
	}
	close(waiting)
	workers.Wait()

	all := verdict{partitions: len(partitions)}
	for _, each := range found {
		all.seatBySeat += each.seatBySeat
		all.undecided = append(all.undecided, each.undecided...)
		all.illegal = append(all.illegal, each.illegal...)
	}
	return all
}

func (s *story) checkPartition(p partition, had [][]int32, folder string) verdict {
	var found verdict
	if len(p.seats) > 1 {
		for _, seat := range p.seats {
			s.checkView(&found, p.effects, []int32{seat}, had, false, folder)
		}
	}
	if len(found.illegal) > 0 {
		return found
	}
	if len(p.seats) > seatsOfPartitionMax || len(p.effects) > effectsOfPartitionMax {
		found.seatBySeat = 1
		return found
	}
	s.checkView(&found, p.effects, p.seats, had, true, folder)
	return found
}

func (s *story) checkView(found *verdict, effects []*effect, seats []int32, had [][]int32, isWhole bool, folder string) {
	history := viewOf(effects, seats, had, isWhole)
	names := make([]string, len(seats))
	for i, seat := range seats {
		names[i] = s.seats[seat].seat
	}
	model := modelOf(names, func(booking int32) string { return s.bookings[booking].id })
	switch porcupine.CheckOperationsTimeout(model, history, searchTimeout) {
	case porcupine.Illegal:
		found.illegal = append(found.illegal, s.explain(model, history, s.seats[seats[0]].show, names, folder))
	case porcupine.Unknown:
		found.undecided = append(found.undecided, s.seats[seats[0]].show+" "+strings.Join(names, "+"))
	}
}

// What is to be seen of the effects when one looks at these seats.
func viewOf(effects []*effect, seats []int32, had [][]int32, isWhole bool) []porcupine.Operation {
	var history []porcupine.Operation
	for _, e := range effects {
		has, then := positions(seats, e.seats), positions(seats, e.then)
		isAboutAll := e.loose || e.kind == read || e.kind == swap || e.kind == exchange
		isSeen := len(has) > 0 || len(then) > 0 || isAboutAll && len(positions(seats, had[e.booking])) > 0
		if !isSeen {
			continue
		}
		seen := &viewed{effect: e, has: has, then: then, isWhole: isWhole}
		history = append(history, porcupine.Operation{ClientId: e.client, Input: seen, Call: e.from, Return: e.to})
	}
	return history
}

// Both ascending.
func positions(view, seats []int32) []int {
	var found []int
	next := 0
	for position, seat := range view {
		for next < len(seats) && seats[next] < seat {
			next++
		}
		if next < len(seats) && seats[next] == seat {
			found = append(found, position)
		}
	}
	return found
}

// The longest order that could be found, and what could not follow.
func (s *story) explain(model porcupine.Model, history []porcupine.Operation, show string, names []string, folder string) violation {
	_, info := porcupine.CheckOperationsVerbose(model, history, searchTimeout)
	longest := []porcupine.Operation{}
	for _, order := range info.PartialLinearizationsOperations()[0] {
		if len(order) > len(longest) {
			longest = order
		}
	}
	state := emptyTable(len(names))
	isPlaced := map[*viewed]bool{}
	for _, operation := range longest {
		seen := operation.Input.(*viewed)
		_, state = seen.on(state)
		isPlaced[seen] = true
	}
	illegal := violation{
		Rule:          "one owner per seat, all or none",
		ShowID:        show,
		SeatIDs:       names,
		Operations:    []*operation{},
		Table:         model.DescribeState(state),
		Visualization: draw(model, info, folder, show, names),
	}
	stuck := s.stuck(history, isPlaced)
	illegal.Stuck = describeStuck(stuck)
	illegal.Message = fmt.Sprintf("%s: no order explains what was answered for %s of %s: with %s, there can be no %s",
		illegal.Rule, strings.Join(names, "+"), show, illegal.Table, illegal.Stuck)
	illegal.Operations = s.operationsOf(longest, state, stuck)
	return illegal
}

// The effect that should have been done first of those that could not be; nil where all were.
func (s *story) stuck(history []porcupine.Operation, isPlaced map[*viewed]bool) *viewed {
	var first *viewed
	for _, operation := range history {
		seen := operation.Input.(*viewed)
		if !isPlaced[seen] && (first == nil || seen.to < first.to) {
			first = seen
		}
	}
	return first
}

func describeStuck(stuck *viewed) string {
	if stuck == nil {
		return "end"
	}
	return fmt.Sprintf("%q between %.3f s and %.3f s", stuck.text, float64(stuck.from)/1e9, float64(stuck.to)/1e9)
}

// All that clients asked of the bookings that are told of last, of who has the seats then, and of what could not follow.
func (s *story) operationsOf(longest []porcupine.Operation, state table, stuck *viewed) []*operation {
	concerned := map[int32]bool{}
	for _, operation := range longest[max(0, len(longest)-effectsToldMax):] {
		concerned[operation.Input.(*viewed).booking] = true
	}
	for position := range state.length() {
		if owner, _, isTaken := ownerOf(state.at(position)); isTaken {
			concerned[owner] = true
		}
	}
	if stuck != nil {
		concerned[stuck.booking] = true
	}
	told := []*operation{}
	for booking := range concerned {
		for _, operations := range s.bookings[booking].byKind {
			told = append(told, operations...)
		}
	}
	slices.SortFunc(told, func(a, b *operation) int { return cmp.Compare(a.Line, b.Line) })
	return told
}

func draw(model porcupine.Model, info porcupine.LinearizationInfo, folder, show string, names []string) string {
	if folder == "" {
		return ""
	}
	file := filepath.Join(folder, fmt.Sprintf("illegal-%s-%s.html", fileName(show), fileName(strings.Join(names, "+"))))
	if err := porcupine.VisualizePath(model, info, file); err != nil {
		return ""
	}
	return file
}

// Of what may stand in the name of a file, at most so many characters.
const fileNameMax = 60

func fileName(name string) string {
	safe := strings.Map(func(r rune) rune {
		isPlain := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-' || r == '+'
		if isPlain {
			return r
		}
		return '_'
	}, name)
	return safe[:min(len(safe), fileNameMax)]
}

// Disjoint sets of seats.
type sets struct{ parent []int32 }

func newSets(size int) *sets {
	parent := make([]int32, size)
	for seat := range parent {
		parent[seat] = int32(seat)
	}
	return &sets{parent}
}

func (s *sets) root(seat int32) int32 {
	for s.parent[seat] != seat {
		s.parent[seat] = s.parent[s.parent[seat]]
		seat = s.parent[seat]
	}
	return seat
}

func (s *sets) join(some, other int32) { s.parent[s.root(some)] = s.root(other) }
