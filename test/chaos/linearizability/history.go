package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
)

// Longest line of a history, in bytes: an operation with a hundred seats takes some ten thousand.
const lineBytesMax = 1 << 20

// One call of one client, as operation-log.ts writes it. Times: ns since the run's start.
type operation struct {
	Client          int      `json:"client"`
	Kind            string   `json:"kind"`
	ShowID          string   `json:"showId"`
	BookingID       string   `json:"bookingId"`
	Key             string   `json:"key"`
	SeatIDs         []string `json:"seatIds"`
	Call            int64    `json:"call"`
	Return          *int64   `json:"return"`
	Outcome         string   `json:"outcome"`
	Code            string   `json:"code"`
	Status          string   `json:"status"`
	AnsweredSeatIDs []string `json:"answeredSeatIds"`
	ExpiresAt       *int64   `json:"expiresAt"`
	NewBookingID    string   `json:"newBookingId"`
	// Where it stands in the file, from 1.
	Line int `json:"line"`
}

func (o *operation) isOk() bool      { return o.Outcome == "ok" }
func (o *operation) isUnknown() bool { return o.Outcome == "unknown" }

// May have had an effect.
func (o *operation) isNotRefused() bool { return o.Outcome != "refused" }

// Of an operation without an answer: `never`.
func (o *operation) returnOr(never int64) int64 {
	if o.Return == nil {
		return never
	}
	return *o.Return
}

// What the booking is by the answer: an exchange tells of the new one.
func (o *operation) statusOfItself() string {
	if o.Kind != "exchange" {
		return o.Status
	}
	if o.Status == "CONFIRMED" {
		return "EXCHANGED"
	}
	return ""
}

// The seats by the answer; where it names none, those that were asked for.
func (o *operation) seats() []string {
	if o.AnsweredSeatIDs != nil {
		return o.AnsweredSeatIDs
	}
	return o.SeatIDs
}

func readOperations(source io.Reader) ([]*operation, error) {
	lines := bufio.NewScanner(source)
	lines.Buffer(make([]byte, 0, 1<<16), lineBytesMax)
	var operations []*operation
	for line := 1; lines.Scan(); line++ {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		read := &operation{}
		if err := json.Unmarshal(lines.Bytes(), read); err != nil {
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		if err := read.check(); err != nil {
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		read.Line = line
		operations = append(operations, read)
	}
	return operations, lines.Err()
}

var (
	kinds    = []string{"hold", "extend", "change-seats", "pay", "release", "cancel", "exchange", "read-booking"}
	outcomes = []string{"ok", "refused", "unknown"}
)

// A history that is not understood must not pass for a legal one.
func (o *operation) check() error {
	switch {
	case !slices.Contains(kinds, o.Kind):
		return fmt.Errorf("unknown kind %q", o.Kind)
	case !slices.Contains(outcomes, o.Outcome):
		return fmt.Errorf("unknown outcome %q", o.Outcome)
	case o.ShowID == "":
		return fmt.Errorf("no show")
	case o.Return != nil && *o.Return < o.Call:
		return fmt.Errorf("answered before it was called")
	case o.Return == nil && o.Outcome != "unknown":
		return fmt.Errorf("%s without an answer", o.Outcome)
	case o.Outcome == "ok" && o.BookingID == "":
		return fmt.Errorf("no booking")
	}
	return nil
}
