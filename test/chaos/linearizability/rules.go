package main

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
)

// A promise that was broken, with the operations that show it.
type violation struct {
	Rule    string   `json:"rule"`
	Message string   `json:"message"`
	ShowID  string   `json:"showId"`
	SeatIDs []string `json:"seatIds"`
	// Those that tell it, oldest first.
	Operations []*operation `json:"operations"`
	// What was there when nothing more could follow.
	Table         string `json:"table,omitempty"`
	Stuck         string `json:"stuck,omitempty"`
	Visualization string `json:"visualization,omitempty"`
}

// What a history must keep to besides the order of who has a seat: each can be seen by looking at a booking, or a seat, alone.
func (s *story) brokenRules() []violation {
	var broken []violation
	for _, b := range s.bookings {
		broken = append(broken, s.oneKeyOneAnswer(b)...)
		broken = append(broken, s.neverEndedEarly(b)...)
		broken = append(broken, s.nothingAfterItsTime(b)...)
		broken = append(broken, s.noTimeUnasked(b)...)
		broken = append(broken, s.toldForGood(b)...)
	}
	return append(broken, s.refusedForAReason()...)
}

// Promise 4. A repeated hold is answered as the first one was; a payment that was declined stays so under its key.
func (s *story) oneKeyOneAnswer(b *bookingHistory) []violation {
	var broken []violation
	holds := b.of("hold", (*operation).isOk)
	for _, o := range holds[min(1, len(holds)):] {
		if !isSameAnswer(holds[0], o) {
			broken = append(broken, s.violation("one key, one answer", "a hold repeated under its key was answered otherwise", holds[0], o))
		}
	}
	answers := map[string]*operation{}
	for _, o := range b.byKind["pay"] {
		isAnswer := o.isOk() || o.Code == "PAYMENT_DECLINED"
		if o.Key == "" || !isAnswer {
			continue
		}
		first, isKnown := answers[o.Key]
		if isKnown && first.isOk() != o.isOk() {
			broken = append(broken, s.violation("one key, one answer", "a payment was declined and accepted under one key", first, o))
		}
		answers[o.Key] = o
	}
	return append(broken, s.oneBookingOfAKey(b)...)
}

func (s *story) oneBookingOfAKey(b *bookingHistory) []violation {
	var broken []violation
	for _, o := range b.of("hold", (*operation).isOk) {
		if o.Key == "" {
			continue
		}
		first, isKnown := s.holdOfKey[o.Key]
		if !isKnown {
			s.holdOfKey[o.Key] = o
		} else if first.BookingID != o.BookingID {
			broken = append(broken, s.violation("one key, one answer", "one key has made two bookings", first, o))
		}
	}
	return broken
}

func isSameAnswer(first, o *operation) bool {
	if first.ExpiresAt != nil && o.ExpiresAt != nil && *first.ExpiresAt != *o.ExpiresAt {
		return false
	}
	return slices.Equal(slices.Sorted(slices.Values(first.seats())), slices.Sorted(slices.Values(o.seats())))
}

// What a booking may be found as by whoever asks after such an answer. A booking's row is written before anybody hears of it.
var foundAfter = map[string][]string{
	"CONFIRMED": {"CONFIRMED", "CANCELLED", "EXCHANGED"},
	"CANCELLED": {"CANCELLED"},
	"EXCHANGED": {"EXCHANGED"},
	// Money that comes late may buy it yet.
	"RELEASED": {"RELEASED", "CONFIRMED", "CANCELLED", "EXCHANGED"},
}

// Promise 2: what was answered is found by every look at the booking that begins after the answer.
func (s *story) toldForGood(b *bookingHistory) []violation {
	var broken []violation
	for _, look := range b.byKind["read-booking"] {
		for _, told := range b.answersBefore(look.Call) {
			allowed, isFinal := foundAfter[told.statusOfItself()]
			isThere := look.isOk() && (!isFinal || slices.Contains(allowed, look.Status))
			isMissing := look.Code == "NOT_FOUND"
			if isMissing || look.isOk() && !isThere {
				message := "was answered as " + told.statusOfItself() + ", and found as " + cmp.Or(look.Status, look.Code)
				broken = append(broken, s.violation("what was told is so", message, told, look))
				break
			}
		}
	}
	return broken
}

// Promise 5: 410 says that the time of a hold is over; it must be. Or that of the payment that it was secured for.
func (s *story) neverEndedEarly(b *bookingHistory) []violation {
	var broken []violation
	for _, kind := range []string{"extend", "change-seats", "pay", "release"} {
		for _, o := range b.byKind[kind] {
			if o.Code != "HOLD_EXPIRED" || *o.Return >= b.mayLapseFrom(o.Call, s.terms) || b.mayBeGivenBackBefore(*o.Return) {
				continue
			}
			broken = append(broken, s.violation("a hold keeps its time", "told that its time is over before it was", append(b.of("hold", (*operation).isOk), o)...))
		}
	}
	return broken
}

// A hold past its time can be neither changed nor paid; a payment that was begun in time may come late.
func (s *story) nothingAfterItsTime(b *bookingHistory) []violation {
	until := b.heldUntil(never)
	if until == 0 || b.mayHaveBeenExtended() {
		return nil
	}
	var broken []violation
	tooLate := until + s.terms.clockTolerance
	begun := earliestCall(b.of("pay", (*operation).isNotRefused), never)
	for _, o := range b.of("pay", (*operation).isOk) {
		if o.Call > tooLate && begun > tooLate {
			broken = append(broken, s.violation("a hold past its time", "was paid", append(b.of("hold", (*operation).isOk), o)...))
		}
	}
	for _, kind := range []string{"extend", "change-seats"} {
		for _, o := range b.of(kind, (*operation).isOk) {
			// What was answered is part of `until`: what counts is what was told before.
			before := b.heldUntil(o.Call)
			isRepeat := len(b.of(kind, func(first *operation) bool { return first.Key == o.Key && o.Key != "" && first.Call < o.Call })) > 0
			if before > 0 && o.Call > before+s.terms.clockTolerance && !isRepeat {
				broken = append(broken, s.violation("a hold past its time", "was changed", append(b.of("hold", (*operation).isOk), o)...))
			}
		}
	}
	return broken
}

// A hold has the time that it was granted with and as much again for each extension, which happens once under its key: no answer
// tells of more than was asked for by then.
func (s *story) noTimeUnasked(b *bookingHistory) []violation {
	holds := b.of("hold", tellsOfItsTime)
	if len(holds) == 0 {
		return nil
	}
	granted := *holds[0].ExpiresAt
	var broken []violation
	for _, kind := range []string{"hold", "extend", "change-seats", "pay", "read-booking"} {
		for _, o := range b.of(kind, tellsOfItsTime) {
			asked := b.extensionsAskedBefore(*o.Return)
			if *o.ExpiresAt > granted+int64(len(asked))*s.terms.holdTTL+s.terms.clockTolerance {
				broken = append(broken, s.violation("a hold keeps its time", "told that it has more than was asked for", append(append(holds[:1:1], asked...), o)...))
			}
		}
	}
	return broken
}

func tellsOfItsTime(o *operation) bool { return o.isOk() && o.ExpiresAt != nil }

// Who refuses a seat must have seen that somebody may have it. An API process refuses by what it has been told a moment ago, and
// by its map of what is booked: so a little earlier than the call counts, too.
func (s *story) refusedForAReason() []violation {
	taken := s.takenTimes()
	var broken []violation
	for _, o := range s.operations {
		isAsked := o.Kind == "hold" || o.Kind == "change-seats"
		if !isAsked || o.Code != "SEAT_UNAVAILABLE" {
			continue
		}
		isExplained := false
		for _, seat := range s.seatsOf(o.ShowID, o.seats()) {
			times := taken[seat]
			isExplained = isExplained ||
				times.held.touches(o.Call-s.terms.sightAge, *o.Return) || times.booked.touches(o.Call-s.terms.mapAge, *o.Return)
		}
		if !isExplained {
			broken = append(broken, s.violation("refused for a reason", "seats were refused that nobody can have had", o))
		}
	}
	return broken
}

// Intervals, by their begin; latest[i] is the latest end of the first i+1.
type intervals struct {
	from   []int64
	latest []int64
}

type takenTimes struct{ held, booked intervals }

func (i *intervals) touches(from, to int64) bool {
	count := sort.Search(len(i.from), func(n int) bool { return i.from[n] > to })
	return count > 0 && i.latest[count-1] >= from
}

func (i *intervals) add(from, to int64) {
	latest := to
	if last := len(i.latest); last > 0 {
		latest = max(latest, i.latest[last-1])
	}
	i.from, i.latest = append(i.from, from), append(i.latest, latest)
}

func (s *story) takenTimes() []takenTimes {
	// Seats may become known by what was refused.
	for _, o := range s.operations {
		s.seatsOf(o.ShowID, o.seats())
	}
	taken := make([]takenTimes, len(s.seats))
	slices.SortFunc(s.claims, func(a, b claim) int { return cmp.Compare(a.from, b.from) })
	for _, c := range s.claims {
		taken[c.seat].held.add(c.from, c.to)
	}
	slices.SortFunc(s.claims, func(a, b claim) int { return cmp.Compare(a.bookedFrom, b.bookedFrom) })
	for _, c := range s.claims {
		if c.bookedFrom < never {
			taken[c.seat].booked.add(c.bookedFrom, c.bookTo)
		}
	}
	return taken
}

func (s *story) violation(rule, message string, operations ...*operation) violation {
	last := operations[len(operations)-1]
	return violation{
		Rule:       rule,
		Message:    fmt.Sprintf("%s: %s (%s of %s by client %d, line %d)", rule, message, last.Kind, last.BookingID, last.Client, last.Line),
		ShowID:     last.ShowID,
		SeatIDs:    last.seats(),
		Operations: operations,
	}
}
