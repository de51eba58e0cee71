package main

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"strings"

	"github.com/anishathalye/porcupine"
)

// What a booking has a seat for.
type phase uint32

const (
	held phase = iota
	booked
	either
	none
)

var phaseNames = [...]string{"held", "booked", "held or booked", "nothing"}

type effectKind uint8

const (
	// A hold begins: all of its seats were nobody's.
	take effectKind = iota
	// A booking is there at once: made of another one of another show, or seen at its end only.
	appear
	// From here on it has exactly these seats, in the phase that it has them in.
	swap
	// It has these seats, and they are held: it was granted more time.
	touch
	// It is paid. With reclaims also where its hold has ended and all of the seats are nobody's: money that came late.
	book
	// Its seats are nobody's from here on: released, expired, cancelled.
	free
	// The booked seats of one booking go to another one, which has others of the show besides or instead.
	exchange
	// What it had at the end of the run.
	read
)

// Something that happens to the seats of one show at one instant between `from` and `to`, by the sequential model: the
// seats are a table of who has them, and each effect says what it finds there and what it leaves.
type effect struct {
	kind    effectKind
	booking int32
	// Of an exchange: who has the seats then.
	heir int32
	// What the booking has; of a swap and an exchange, `then` is what there is afterwards.
	seats []int32
	then  []int32
	phase phase
	// It may be that it never happened: where it cannot, it has not.
	may bool
	// Which seats the booking has is not known: whatever the table says.
	loose    bool
	reclaims bool

	from, to int64
	client   int
	text     string
}

// An effect as it is seen by someone who looks at some of the seats only: positions in the table instead of seats.
type viewed struct {
	*effect
	has  []int
	then []int
	// All seats of the booking are in view.
	isWhole bool
}

// One word a seat: 0, or who has it (from 1) and whether it is booked. A string, as porcupine compares and keeps states.
type table string

const wordBytes = 4

func emptyTable(seats int) table { return table(make([]byte, seats*wordBytes)) }

func (t table) at(position int) uint32 {
	i := position * wordBytes
	return uint32(t[i]) | uint32(t[i+1])<<8 | uint32(t[i+2])<<16 | uint32(t[i+3])<<24
}

func (t table) length() int { return len(t) / wordBytes }

func word(booking int32, in phase) uint32 { return uint32(booking+1)<<1 | uint32(in) }

func ownerOf(word uint32) (booking int32, in phase, isTaken bool) {
	return int32(word>>1) - 1, phase(word & 1), word != 0
}

func (t table) with(positions []int, value uint32) table {
	words := []byte(t)
	for _, position := range positions {
		binary.LittleEndian.PutUint32(words[position*wordBytes:], value)
	}
	return table(words)
}

func (t table) owned(booking int32) (positions []int, in phase) {
	in = none
	for position := range t.length() {
		owner, phase, isTaken := ownerOf(t.at(position))
		if !isTaken || owner != booking {
			continue
		}
		positions = append(positions, position)
		if in != none && in != phase {
			phase = either
		}
		in = phase
	}
	return positions, in
}

// All of them are nobody's, or this booking's own.
func (t table) isFree(positions []int, but int32) bool {
	for _, position := range positions {
		owner, _, isTaken := ownerOf(t.at(position))
		if isTaken && owner != but {
			return false
		}
	}
	return true
}

const nobody = int32(-1)

// The table after the effect; false where it cannot happen.
func (e *viewed) on(state table) (bool, table) {
	isPossible, next := e.happens(state)
	if !isPossible {
		return e.may, state
	}
	return true, next
}

func (e *viewed) happens(state table) (bool, table) {
	switch e.kind {
	case take:
		return state.isFree(e.has, nobody), state.with(e.has, word(e.booking, held))
	case appear:
		return state.isFree(e.has, nobody), state.with(e.has, word(e.booking, booked))
	case swap:
		return e.swaps(state)
	case touch:
		owned, in := state.owned(e.booking)
		return containsAll(owned, e.has) && (in == held || len(e.has) == 0), state
	case book:
		return e.books(state)
	case free:
		return e.frees(state)
	case exchange:
		return e.exchanges(state)
	default:
		owned, in := state.owned(e.booking)
		return isSame(owned, e.has) && (len(owned) == 0 || in == e.phase), state
	}
}

func (e *viewed) swaps(state table) (bool, table) {
	owned, in := state.owned(e.booking)
	if len(owned) == 0 && e.isWhole || len(owned) > 0 && in != e.phase || !state.isFree(e.then, e.booking) {
		return false, state
	}
	return true, state.with(owned, 0).with(e.then, word(e.booking, e.phase))
}

func (e *viewed) books(state table) (bool, table) {
	owned, in := state.owned(e.booking)
	seats := e.has
	if e.loose {
		seats = owned
	}
	switch {
	case len(owned) > 0:
		return in == held && isSame(owned, seats), state.with(seats, word(e.booking, booked))
	case len(seats) == 0:
		return !e.isWhole, state
	default:
		return e.reclaims && state.isFree(seats, nobody), state.with(seats, word(e.booking, booked))
	}
}

func (e *viewed) frees(state table) (bool, table) {
	owned, in := state.owned(e.booking)
	if len(owned) == 0 {
		return !e.isWhole && (e.loose || len(e.has) == 0), state
	}
	isInPhase := e.phase == either || in == e.phase
	return isInPhase && (e.loose || isSame(owned, e.has)), state.with(owned, 0)
}

func (e *viewed) exchanges(state table) (bool, table) {
	owned, in := state.owned(e.booking)
	if len(owned) == 0 && e.isWhole || len(owned) > 0 && in != booked || !state.isFree(e.then, e.booking) {
		return false, state
	}
	return true, state.with(owned, 0).with(e.then, word(e.heir, booked))
}

// Both ascending.
func isSame(some, others []int) bool {
	if len(some) != len(others) {
		return false
	}
	return containsAll(some, others)
}

func containsAll(some, wanted []int) bool {
	next := 0
	for _, position := range some {
		if next < len(wanted) && wanted[next] == position {
			next++
		}
	}
	return next == len(wanted)
}

// The model of these seats, for porcupine. Partitions are made before: see partitions.go.
func modelOf(seatNames []string, bookingName func(int32) string) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return emptyTable(len(seatNames)) },
		Step: func(state, input, _ any) (bool, any) {
			return input.(*viewed).on(state.(table))
		},
		Hash: func(state any) uint64 {
			digest := fnv.New64a()
			_, _ = digest.Write([]byte(state.(table)))
			return digest.Sum64()
		},
		DescribeOperation: func(input, _ any) string { return input.(*viewed).text },
		DescribeState:     func(state any) string { return describe(state.(table), seatNames, bookingName) },
	}
}

func describe(state table, seatNames []string, bookingName func(int32) string) string {
	var parts []string
	for position, name := range seatNames {
		owner, in, isTaken := ownerOf(state.at(position))
		if !isTaken {
			parts = append(parts, name+" available")
			continue
		}
		parts = append(parts, fmt.Sprintf("%s %s by %s", name, phaseNames[in], bookingName(owner)))
	}
	return strings.Join(parts, ", ")
}
