package main

import (
	"cmp"
	"slices"
)

// Tells the life of one booking as effects on seats: what clients were told for certain has happened while they waited; what they
// were not told is known by how the booking was found at last, and has happened at some time from the call on.
type lifeOf struct {
	s *story
	b *bookingHistory
	// When its hold was asked for first.
	heldFrom int64
	// Latest possible end of what it has; never: it may have it still.
	claimEnd   int64
	bookedFrom int64
	isPaidFor  bool
}

func (l *lifeOf) seats(ids []string) []int32 { return l.s.seatsOf(l.b.showID, ids) }

// False for what leaves nothing to tell: a hold that was refused, or of which nobody has heard again.
func (l *lifeOf) begins() bool {
	b := l.b
	holds := b.of("hold", (*operation).isNotRefused)
	status := b.finalStatus()
	if b.madeBy != nil {
		l.heldFrom = b.madeBy.Call
		return true
	}
	if len(holds) == 0 {
		return l.appears(status)
	}
	l.heldFrom = earliestCall(holds, 0)
	granted := b.of("hold", (*operation).isOk)
	if len(granted) == 0 && status == "" && b.firstSeen == never {
		l.mayHaveBegun(holds)
		return false
	}
	first, seats := holds[0], holds[0].SeatIDs
	if len(granted) > 0 {
		first, seats = granted[0], granted[0].seats()
	} else if len(seats) == 0 && b.final != nil {
		seats = b.final.seats()
	}
	to := min(earliestReturn(granted, never), b.firstSeen, b.quietFrom())
	l.s.add(&effect{kind: take, seats: l.seats(seats)}, b, first, l.heldFrom, to, "hold")
	return true
}

// Seats may have been held for a time without a booking: that refuses others, and grants nobody anything.
func (l *lifeOf) mayHaveBegun(holds []*operation) {
	for _, o := range holds {
		end := o.returnOr(o.Call) + l.s.terms.late + l.s.terms.holdTTL
		for _, seat := range l.seats(o.SeatIDs) {
			l.s.claims = append(l.s.claims, claim{seat: seat, from: o.Call, to: end, bookedFrom: never, bookTo: never})
		}
	}
}

// Nobody knows how it came to be; at the end it was there.
func (l *lifeOf) appears(status string) bool {
	b := l.b
	kind := appear
	switch status {
	case "CONFIRMED":
		l.isPaidFor = true
	case "HELD", "PAYMENT_PENDING":
		kind = take
	default:
		return false
	}
	l.s.add(&effect{kind: kind, seats: l.seats(b.final.seats())}, b, b.final, 0, b.quietFrom(), "appears:")
	return true
}

func (l *lifeOf) changes() {
	b := l.b
	var before *operation
	for _, o := range b.of("change-seats", (*operation).isNotRefused) {
		isRepeat := before != nil && before.isUnknown() && o.isUnknown() && slices.Equal(before.seats(), o.seats())
		before = o
		// What nobody knows of, asked for again and again, happens once or not at all: a search need not try each of them.
		if isRepeat {
			continue
		}
		change := &effect{kind: swap, then: l.seats(o.seats()), phase: held, may: o.isUnknown()}
		to := o.returnOr(never)
		if o.isUnknown() {
			to = never
		}
		l.s.add(change, b, o, o.Call, to, "change to "+names(o.seats())+" of")
	}
	seen := map[string]bool{}
	for _, o := range b.of("extend", (*operation).isOk) {
		// A repeat under its key is told what was true at first.
		if o.Key != "" && seen[o.Key] {
			continue
		}
		seen[o.Key] = true
		same := b.of("extend", func(other *operation) bool { return o.Key != "" && other.Key == o.Key })
		seats := l.seats(o.AnsweredSeatIDs)
		l.s.add(&effect{kind: touch, seats: seats}, b, o, earliestCall(same, o.Call), *o.Return, "extend")
	}
}

func (l *lifeOf) isPaid() {
	b := l.b
	if l.isPaidFor || b.madeBy != nil {
		l.isPaidFor, l.bookedFrom = true, l.heldFrom
		return
	}
	pays := b.of("pay", (*operation).isNotRefused)
	isKnown := b.wasConfirmed()
	if !isKnown && (b.finalStatus() != "" || len(pays) == 0) {
		return
	}
	from := earliestCall(pays, l.heldFrom)
	to := min(b.confirmedSeen, b.quietFrom())
	until := b.heldUntil(never)
	reclaims := until == 0 || b.mayHaveBeenExtended() || from <= until+l.s.terms.clockTolerance
	paid := &effect{kind: book, reclaims: reclaims, may: !isKnown}
	l.fill(paid, l.paidSeats(pays))
	if lapse := max(l.heldFrom, b.mayLapseFrom(never, l.s.terms)); reclaims && to > lapse {
		lapsed := &effect{kind: free, phase: held, may: true, loose: true}
		l.s.add(lapsed, b, nil, lapse, to, "expiry, perhaps, of")
	}
	var payer *operation
	if len(pays) > 0 {
		payer = pays[0]
	}
	l.s.add(paid, b, payer, from, to, "pay")
	l.isPaidFor, l.bookedFrom = isKnown, from
}

func (l *lifeOf) paidSeats(pays []*operation) []string {
	// A booking that is paid keeps its seats to be read, but for those that are given back alone.
	if b := l.b; b.wasFoundPaid() && !b.isCancelledInPart() {
		return b.final.seats()
	}
	for _, o := range pays {
		if o.isOk() && o.Status == "CONFIRMED" && o.AnsweredSeatIDs != nil {
			return o.AnsweredSeatIDs
		}
	}
	return l.b.heldSeats()
}

// nil: nobody knows which.
func (l *lifeOf) fill(e *effect, seats []string) {
	if seats == nil {
		e.loose = true
		return
	}
	e.seats = l.seats(seats)
}

func (l *lifeOf) ends() {
	status := l.b.finalStatus()
	l.isReleased(status)
	l.isCancelled(status)
	l.mayHaveBeenGivenBack(status)
	switch status {
	case "EXPIRED", "FAILED":
		l.expires(status)
	case "":
		l.mayHaveEnded()
	}
}

func (l *lifeOf) isReleased(status string) {
	b := l.b
	released := b.givingBack(func(o *operation) bool { return o.isOk() && o.Status == "RELEASED" })
	asked := b.givingBack((*operation).isNotRefused)
	if len(released) == 0 && (status != "RELEASED" || len(asked) == 0) {
		return
	}
	end := min(b.releasedSeen, b.quietFrom())
	given := &effect{kind: free, phase: held}
	l.fill(given, b.heldSeats())
	// A hold can be given back past its time, too, until its own timer has ended it: its seats have been free since then.
	from := min(earliestCall(asked, l.heldFrom), max(l.heldFrom, b.mayLapseFrom(never, l.s.terms)))
	l.s.add(given, b, asked[0], from, end, "release")
	l.claimEnd = min(l.claimEnd, end)
}

// The show has heard of it, and the booking's own worker died before it knew: the seats are free, and the booking ends at its time.
func (l *lifeOf) mayHaveBeenGivenBack(status string) {
	b := l.b
	if status == "" || status == "RELEASED" {
		return
	}
	for _, o := range earliest(b.of("release", (*operation).isUnknown)) {
		l.s.add(&effect{kind: free, phase: held, may: true, loose: true}, b, o, o.Call, b.quietFrom(), "release, perhaps, of")
	}
}

func (l *lifeOf) isCancelled(status string) {
	b := l.b
	for _, o := range b.of("cancel", isInPart) {
		part := &effect{kind: swap, then: l.seats(o.seats()), phase: booked}
		l.s.add(part, b, o, o.Call, *o.Return, "cancel all but "+names(o.seats())+" of")
	}
	cancelled := b.givingBack(func(o *operation) bool { return o.isOk() && o.Status == "CANCELLED" })
	asked := b.givingBack((*operation).isNotRefused)
	if len(cancelled) == 0 && (status != "CANCELLED" || len(asked) == 0) {
		return
	}
	end := min(earliestReturn(cancelled, never), b.quietFrom())
	l.s.add(&effect{kind: free, phase: booked, loose: true}, b, asked[0], earliestCall(asked, 0), end, "cancel")
	l.claimEnd = min(l.claimEnd, end)
}

// Its time is an instant; that it was noticed then, or within a second, is for others to look at. It is never before.
func (l *lifeOf) expires(status string) {
	b := l.b
	until := b.heldUntil(never)
	lapse := &effect{kind: free, phase: held}
	from := max(l.heldFrom, b.mayLapseFrom(never, l.s.terms))
	if status == "FAILED" {
		// Charged, and not to be had: the seats went when the payment did.
		lapse.phase = either
		from = earliestCall(b.byKind["pay"], l.heldFrom)
	}
	l.fill(lapse, b.heldSeats())
	// Whoever gave it back without an answer may have left it nothing.
	lapse.may = len(b.of("release", (*operation).isUnknown)) > 0
	l.s.add(lapse, b, nil, from, b.quietFrom(), "expiry of")
	l.claimEnd = b.quietFrom()
	if len(b.byKind["pay"]) == 0 && until > 0 && !b.mayHaveBeenExtended() {
		l.claimEnd = until + l.s.terms.clockTolerance
	}
}

// Nobody has looked at it in the end: whatever may have been, may have been.
func (l *lifeOf) mayHaveEnded() {
	b := l.b
	if b.final != nil || l.claimEnd < never {
		return
	}
	from := max(l.heldFrom, b.mayLapseFrom(never, l.s.terms))
	l.s.add(&effect{kind: free, phase: held, may: true, loose: true}, b, nil, from, never, "expiry, perhaps, of")
	unknown := append(earliest(b.of("release", (*operation).isUnknown)), earliest(b.of("cancel", (*operation).isUnknown))...)
	for _, o := range unknown {
		l.s.add(&effect{kind: free, phase: either, may: true, loose: true}, b, o, o.Call, never, "end, perhaps, of")
	}
}

func (l *lifeOf) isRead() {
	b := l.b
	if b.final == nil {
		return
	}
	found := &effect{kind: read, phase: none}
	switch b.finalStatus() {
	case "CONFIRMED":
		found.phase = booked
	case "HELD", "PAYMENT_PENDING":
		found.phase = held
	}
	if found.phase != none {
		found.seats = l.seats(b.final.seats())
	}
	text := "found " + b.finalStatus()
	if !b.final.isOk() {
		text = "not found"
	}
	// One after the other, though they may have been read by one statement: nothing happens any more, and a search need not
	// try them in all orders.
	l.s.reads++
	at := min(b.final.Call+l.s.reads, b.final.returnOr(never))
	l.s.add(found, b, b.final, at, at, text)
}

// The first one alone, if there is any. Of calls that can do something once, whatever one did the first may have done; and a search
// that must try all of them, done and not done, finds no end.
func earliest(operations []*operation) []*operation {
	if len(operations) == 0 {
		return nil
	}
	first := slices.MinFunc(operations, func(a, b *operation) int { return cmp.Compare(a.Call, b.Call) })
	return []*operation{first}
}

// ---- exchanges ----

func (s *story) tellExchange(b *bookingHistory) {
	for _, o := range b.byKind["exchange"] {
		s.mayBeHeldFor(o)
	}
	done, candidates := b.exchangeDone()
	if done == nil {
		if b.finalStatus() == "EXCHANGED" {
			from := earliestCall(b.of("exchange", (*operation).isNotRefused), 0)
			s.add(&effect{kind: free, phase: booked, loose: true}, b, nil, from, b.quietFrom(), "exchange of")
		}
		return
	}
	from := earliestCall(candidates, done.Call)
	to := b.quietFrom()
	if done.isOk() && done.Status == "CONFIRMED" {
		to = min(to, earliestReturn(filter(candidates, isExchanged), *done.Return))
	}
	heir := s.heirOf(done)
	heir.showID, heir.madeBy = done.ShowID, done
	then := s.seatsOf(done.ShowID, done.SeatIDs)
	if done.ShowID == b.showID {
		swapped := &effect{kind: exchange, heir: heir.index, then: then, loose: true}
		s.add(swapped, b, done, from, to, "exchange for "+heir.id+" of")
		return
	}
	s.add(&effect{kind: free, phase: booked, loose: true}, b, done, from, to, "exchange of")
	s.add(&effect{kind: appear, seats: then}, heir, done, from, to, "exchange for")
}

// Seats are held while they are exchanged for, whatever comes of it.
func (s *story) mayBeHeldFor(o *operation) {
	end := o.returnOr(o.Call+s.terms.late) + s.terms.paymentDeadline
	for _, seat := range s.seatsOf(o.ShowID, o.SeatIDs) {
		s.claims = append(s.claims, claim{seat: seat, from: o.Call, to: end, bookedFrom: never, bookTo: never})
	}
}

// By name; where its name was never answered, a booking with its seats that was found paid in the end and had no other beginning:
// of a hold that nobody was told of it was not even that.
func (s *story) heirOf(done *operation) *bookingHistory {
	if done.NewBookingID != "" {
		return s.booking(done.NewBookingID)
	}
	wanted := s.seatsOf(done.ShowID, done.SeatIDs)
	for _, b := range s.bookings {
		hasBeginning := b.madeBy != nil || len(b.byKind["hold"]) > 0
		if hasBeginning || b.showID != done.ShowID || !b.wasFoundPaid() {
			continue
		}
		if slices.Equal(s.seatsOf(b.showID, b.final.seats()), wanted) {
			return b
		}
	}
	return s.booking("new of " + done.BookingID)
}

// The exchange that has happened, with all calls that may have been it; nil if none has, or nobody knows which.
func (b *bookingHistory) exchangeDone() (*operation, []*operation) {
	for _, o := range b.of("exchange", (*operation).isOk) {
		if o.Status == "CONFIRMED" {
			return o, b.of("exchange", func(other *operation) bool {
				return other == o || other.isNotRefused() && o.Key != "" && other.Key == o.Key
			})
		}
	}
	if b.finalStatus() != "EXCHANGED" {
		return nil, nil
	}
	open := b.of("exchange", (*operation).isNotRefused)
	for _, o := range open {
		if o.ShowID != open[0].ShowID || !slices.Equal(o.SeatIDs, open[0].SeatIDs) {
			return nil, nil
		}
	}
	if len(open) == 0 {
		return nil, nil
	}
	for _, o := range open {
		if o.NewBookingID != "" {
			return o, open
		}
	}
	return open[0], open
}

// ---- claims ----

// All seats that it may have had, from the first call that could have got them to the last moment it may have had them.
func (l *lifeOf) claims() {
	b := l.b
	end := l.claimEnd
	if b.finalStatus() == "EXCHANGED" || len(b.of("exchange", isExchanged)) > 0 {
		end = min(b.quietFrom(), earliestReturn(b.of("exchange", isExchanged), never))
	}
	for seat, from := range l.everHad() {
		s := claim{seat: seat, from: from, to: min(end, l.leftAt(seat)), bookedFrom: never, bookTo: never}
		if l.bookedFrom < never {
			s.bookedFrom, s.bookTo = max(from, l.bookedFrom), end
		}
		l.s.claims = append(l.s.claims, s)
	}
}

func isInPart(o *operation) bool { return o.isOk() && o.Status == "CONFIRMED" }

func isExchanged(o *operation) bool { return o.isOk() && o.Status == "CONFIRMED" }

func (l *lifeOf) everHad() map[int32]int64 {
	had := map[int32]int64{}
	note := func(ids []string, from int64) {
		for _, seat := range l.seats(ids) {
			if before, isKnown := had[seat]; !isKnown || from < before {
				had[seat] = from
			}
		}
	}
	for _, kind := range []string{"hold", "change-seats"} {
		for _, o := range l.b.of(kind, (*operation).isNotRefused) {
			note(o.seats(), o.Call)
			note(o.SeatIDs, o.Call)
		}
	}
	if l.b.madeBy != nil {
		note(l.b.madeBy.SeatIDs, l.heldFrom)
	}
	if l.b.final != nil && l.b.final.isOk() {
		note(l.b.final.AnsweredSeatIDs, l.heldFrom)
	}
	return had
}

// A change of seats that was granted gives up the others, for good where no later one may have taken them again.
func (l *lifeOf) leftAt(seat int32) int64 {
	left := never
	for _, o := range l.b.of("change-seats", (*operation).isNotRefused) {
		switch {
		case slices.Contains(l.seats(o.seats()), seat):
			left = never
		case o.isOk():
			left = *o.Return
		}
	}
	return left
}

func names(ids []string) string {
	text := ""
	for i, id := range ids {
		if i > 0 {
			text += "+"
		}
		text += id
	}
	return text
}
