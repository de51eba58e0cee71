package main

import (
	"cmp"
	"math"
	"slices"
)

// After all that is in the history.
const never = int64(math.MaxInt64 / 2)

// What a check must know of the system, in ns.
type terms struct {
	// How far the clocks by which `expiresAt` was told and read may be apart.
	clockTolerance int64
	holdTTL        int64
	// A payment secures its hold for so long.
	paymentDeadline int64
	// An API process refuses seats that it has been told, so long ago at most, that somebody has.
	sightAge int64
	// …and seats that its map shows as booked, which may be as old as this while it is cut off or stands still.
	mapAge int64
	// A request without an answer may still be carried out for so long.
	late int64
}

// All that is known of one booking, by what clients were told.
type bookingHistory struct {
	index  int32
	id     string
	showID string
	byKind map[string][]*operation
	// How it was when all was quiet; nil where nobody has looked.
	final *operation
	// The exchange that made it, and has given it its seats; nil where a hold did.
	madeBy *operation
	// When it was seen for the first time with such a status, or ended by an answer; `never` if not.
	confirmedSeen, releasedSeen int64
	firstSeen                   int64
}

// What a booking may have had of a seat, at the most: to tell whether a refusal had a reason.
type claim struct {
	seat               int32
	from, to           int64
	bookedFrom, bookTo int64
}

// Everything that happened in a history, put in order by bookings.
type story struct {
	terms      terms
	operations []*operation
	bookings   []*bookingHistory
	seats      []seatOfShow
	effects    []*effect
	claims     []claim

	bookingIndex map[string]int32
	seatIndex    map[seatOfShow]int32
	// The first hold that was granted under a key: keys of a run are never used by two users.
	holdOfKey map[string]*operation
	// The call after which nobody asked for anything any more: bookings that are read from then on are as they ended.
	lastCall int64
	// Bookings whose end has been told of.
	reads int64
}

type seatOfShow struct {
	show string
	seat string
}

func tell(operations []*operation, terms terms) *story {
	s := &story{
		terms:        terms,
		operations:   operations,
		bookingIndex: map[string]int32{},
		seatIndex:    map[seatOfShow]int32{},
		holdOfKey:    map[string]*operation{},
	}
	slices.SortStableFunc(operations, func(a, b *operation) int { return cmp.Compare(a.Call, b.Call) })
	bookingOfKey := map[string]string{}
	for _, o := range operations {
		if o.BookingID != "" && o.Key != "" && (o.Kind == "hold" || o.Kind == "read-booking") {
			bookingOfKey[o.Key] = o.BookingID
		}
		if o.Kind != "read-booking" {
			s.lastCall = max(s.lastCall, o.Call)
		}
	}
	for _, o := range operations {
		s.note(o, bookingOfKey)
	}
	for i := 0; i < len(s.bookings); i++ {
		s.bookings[i].see()
	}
	// Exchanges first: the bookings that they make have no beginning of their own.
	for i := 0; i < len(s.bookings); i++ {
		s.tellExchange(s.bookings[i])
	}
	for i := 0; i < len(s.bookings); i++ {
		s.tellBooking(s.bookings[i])
	}
	return s
}

func (s *story) note(o *operation, bookingOfKey map[string]string) {
	id := cmp.Or(o.BookingID, bookingOfKey[o.Key], o.Key)
	if id == "" {
		return
	}
	b := s.booking(id)
	if o.Kind == "exchange" {
		if o.NewBookingID != "" {
			s.booking(o.NewBookingID).showID = o.ShowID
		}
	} else {
		b.showID = o.ShowID
	}
	if o.Kind == "read-booking" && o.isNotRefused() && !o.isOk() {
		return
	}
	b.byKind[o.Kind] = append(b.byKind[o.Kind], o)
	if o.Kind == "read-booking" && o.Call > s.lastCall {
		b.final = o
	}
}

func (s *story) booking(id string) *bookingHistory {
	if index, isKnown := s.bookingIndex[id]; isKnown {
		return s.bookings[index]
	}
	b := &bookingHistory{
		index: int32(len(s.bookings)), id: id, byKind: map[string][]*operation{},
		confirmedSeen: never, releasedSeen: never, firstSeen: never,
	}
	s.bookingIndex[id] = b.index
	s.bookings = append(s.bookings, b)
	return b
}

// Those that somebody was told of; the others are holds that were refused, or whose fate nobody knows.
func (s *story) bookingsSeen() int {
	seen := 0
	for _, b := range s.bookings {
		if b.firstSeen < never {
			seen++
		}
	}
	return seen
}

func (s *story) seatsOf(show string, ids []string) []int32 {
	seats := make([]int32, 0, len(ids))
	for _, id := range ids {
		of := seatOfShow{show, id}
		index, isKnown := s.seatIndex[of]
		if !isKnown {
			index = int32(len(s.seats))
			s.seatIndex[of] = index
			s.seats = append(s.seats, of)
		}
		seats = append(seats, index)
	}
	slices.Sort(seats)
	return slices.Compact(seats)
}

// ---- what was seen of a booking ----

func (b *bookingHistory) see() {
	for kind, operations := range b.byKind {
		for _, o := range operations {
			if !o.isOk() {
				continue
			}
			b.firstSeen = min(b.firstSeen, *o.Return)
			status := o.Status
			if kind == "exchange" {
				status = "CONFIRMED"
			}
			switch status {
			case "CONFIRMED", "CANCELLED", "EXCHANGED":
				b.confirmedSeen = min(b.confirmedSeen, *o.Return)
			case "RELEASED":
				b.releasedSeen = min(b.releasedSeen, *o.Return)
			}
		}
	}
}

func (b *bookingHistory) of(kind string, is func(*operation) bool) []*operation {
	return filter(b.byKind[kind], is)
}

// Answers that had come before then, of whatever kind.
func (b *bookingHistory) answersBefore(at int64) []*operation {
	var answers []*operation
	for _, kind := range kinds {
		for _, o := range b.of(kind, (*operation).isOk) {
			if *o.Return < at {
				answers = append(answers, o)
			}
		}
	}
	return answers
}

// Calls that give back what there is, a hold or a booking: the same call of the API.
func (b *bookingHistory) givingBack(is func(*operation) bool) []*operation {
	return append(b.of("release", is), b.of("cancel", is)...)
}

func (b *bookingHistory) finalStatus() string {
	if b.final == nil || !b.final.isOk() {
		return ""
	}
	return b.final.Status
}

// All that the booking's last status tells of has happened by then: it is read when all is quiet.
func (b *bookingHistory) quietFrom() int64 {
	if b.final == nil {
		return never
	}
	return b.final.Call
}

// The latest time up to which it was told that the seats are held. 0: nobody was told anything.
func (b *bookingHistory) heldUntil(before int64) int64 {
	until := int64(0)
	for _, kind := range []string{"hold", "extend", "change-seats"} {
		for _, o := range b.byKind[kind] {
			if o.isOk() && o.ExpiresAt != nil && *o.Return <= before {
				until = max(until, *o.ExpiresAt)
			}
		}
	}
	return until
}

// From when on its time may be over, by what was told before: a payment that is pending, or that nobody knows of, ends its booking
// at its own deadline, also where the hold would have lasted longer. Where the hold would have ended earlier, only a payment that
// is known not to have failed is known to have kept the seats.
func (b *bookingHistory) mayLapseFrom(before int64, terms terms) int64 {
	if pending := b.pendingPaymentThatBought(); pending != nil {
		return pending.Call + terms.paymentDeadline - terms.clockTolerance
	}
	until := b.heldUntil(before)
	if paid := earliestCall(b.of("pay", (*operation).isNotRefused), never); paid < never {
		until = min(until, paid+terms.paymentDeadline)
	}
	return until - terms.clockTolerance
}

// Answered as pending, and found to have bought the seats in the end: so it has secured them until its deadline. nil where another
// call may have paid: one that was lost secures nothing, and its money may buy the seats all the same, later.
func (b *bookingHistory) pendingPaymentThatBought() *operation {
	pays := b.of("pay", (*operation).isNotRefused)
	if len(pays) != 1 || !pays[0].isOk() || pays[0].Status != "PAYMENT_PENDING" || !b.wasFoundPaid() {
		return nil
	}
	return pays[0]
}

// Somebody asked for it, and was not answered.
func (b *bookingHistory) mayBeGivenBackBefore(at int64) bool {
	return earliestCall(b.of("release", (*operation).isUnknown), never) < at
}

func (b *bookingHistory) mayHaveBeenExtended() bool {
	return len(b.of("extend", (*operation).isUnknown)) > 0
}

// The first call of each key, of those that may have had an effect by then.
func (b *bookingHistory) extensionsAskedBefore(at int64) []*operation {
	isKnown := map[string]bool{}
	return b.of("extend", func(o *operation) bool {
		isNew := o.isNotRefused() && o.Call < at && !(o.Key != "" && isKnown[o.Key])
		if isNew {
			isKnown[o.Key] = true
		}
		return isNew
	})
}

func (b *bookingHistory) hasUnknownSwaps() bool {
	return len(b.of("change-seats", (*operation).isUnknown)) > 0
}

func (b *bookingHistory) wasFoundPaid() bool {
	switch b.finalStatus() {
	case "CONFIRMED", "CANCELLED", "EXCHANGED":
		return true
	}
	return false
}

func (b *bookingHistory) wasConfirmed() bool { return b.wasFoundPaid() || b.confirmedSeen < never }

func (b *bookingHistory) isCancelledInPart() bool {
	return len(b.of("cancel", isInPart)) > 0
}

// The seats that it was held with at last, by what was answered; nil where nobody knows for certain.
func (b *bookingHistory) heldSeats() []string {
	if b.hasUnknownSwaps() {
		return nil
	}
	var seats []string
	if holds := b.of("hold", (*operation).isOk); len(holds) > 0 {
		seats = holds[0].seats()
	} else if holds := b.of("hold", (*operation).isUnknown); len(holds) > 0 {
		seats = holds[0].SeatIDs
	}
	for _, o := range b.of("change-seats", (*operation).isOk) {
		seats = o.seats()
	}
	if len(seats) == 0 {
		return nil
	}
	return seats
}

// ---- what became of it ----

func (s *story) add(e *effect, b *bookingHistory, o *operation, from, to int64, text string) *effect {
	e.booking = b.index
	e.from, e.to = from, max(from, to)
	if o != nil {
		e.client = o.Client
	}
	e.text = text + " " + b.id
	s.effects = append(s.effects, e)
	return e
}

func (s *story) tellBooking(b *bookingHistory) {
	life := lifeOf{s: s, b: b, claimEnd: never, bookedFrom: never}
	if !life.begins() {
		return
	}
	life.changes()
	life.isPaid()
	life.ends()
	life.isRead()
	life.claims()
}

func filter(operations []*operation, is func(*operation) bool) []*operation {
	var found []*operation
	for _, o := range operations {
		if is(o) {
			found = append(found, o)
		}
	}
	return found
}

func earliestCall(operations []*operation, otherwise int64) int64 {
	if len(operations) == 0 {
		return otherwise
	}
	earliest := never
	for _, o := range operations {
		earliest = min(earliest, o.Call)
	}
	return earliest
}

func earliestReturn(operations []*operation, otherwise int64) int64 {
	earliest := otherwise
	for _, o := range operations {
		earliest = min(earliest, o.returnOr(never))
	}
	return earliest
}
