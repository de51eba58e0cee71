package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const second = int64(time.Second)

var usual = terms{
	clockTolerance: second / 10, holdTTL: 10 * second, paymentDeadline: 10 * second,
	sightAge: 4 * second / 10, mapAge: 15 * second, late: 30 * second,
}

// A history in words: `at(from, to)` in seconds.
type telling struct {
	operations []*operation
}

func (t *telling) add(kind, booking string, from, to float64, changes ...func(*operation)) *operation {
	returned := int64(to * 1e9)
	o := &operation{
		Kind: kind, ShowID: "s", BookingID: booking, Key: kind + " " + booking, Call: int64(from * 1e9), Return: &returned,
		Outcome: "ok", Client: len(t.operations),
	}
	if kind == "read-booking" {
		o.Key = ""
	}
	for _, change := range changes {
		change(o)
	}
	o.Line = len(t.operations) + 1
	t.operations = append(t.operations, o)
	return o
}

func seats(ids string) func(*operation) {
	return func(o *operation) {
		o.SeatIDs = strings.Fields(ids)
		if o.isOk() {
			o.AnsweredSeatIDs = o.SeatIDs
		}
	}
}
func status(name string) func(*operation) { return func(o *operation) { o.Status = name } }
func until(seconds float64) func(*operation) {
	return func(o *operation) { at := int64(seconds * 1e9); o.ExpiresAt = &at }
}
func key(name string) func(*operation)  { return func(o *operation) { o.Key = name } }
func show(name string) func(*operation) { return func(o *operation) { o.ShowID = name } }
func heir(name string) func(*operation) { return func(o *operation) { o.NewBookingID = name } }
func client(id int) func(*operation)    { return func(o *operation) { o.Client = id } }
func refused(code string) func(*operation) {
	return func(o *operation) { o.Outcome, o.Code, o.AnsweredSeatIDs = "refused", code, nil }
}
func unknown(o *operation) { o.Outcome, o.Return, o.AnsweredSeatIDs = "unknown", nil, nil }

// The call has come back with 503 or 504, and may be carried out all the same.
func answeredUnknown(o *operation) { o.Outcome, o.Code, o.AnsweredSeatIDs = "unknown", "TIMEOUT", nil }

func (t *telling) hold(booking, ids string, from, to, untilSeconds float64) {
	t.add("hold", booking, from, to, seats(ids), status("HELD"), until(untilSeconds))
}
func (t *telling) pay(booking, ids string, from, to float64) {
	t.add("pay", booking, from, to, seats(ids), status("CONFIRMED"))
}
func (t *telling) found(booking, ids, as string) {
	t.add("read-booking", booking, 100, 101, seats(ids), status(as))
}

// As a client that asks again at once is answered while no process can tell what became of it.
func (t *telling) releasedWithoutAnswers(booking string, from, to float64) {
	const times = 50
	for time := range times {
		t.add("release", booking, from+(to-from)*float64(time)/times, to, answeredUnknown)
	}
}

var legal = map[string]func(*telling){
	"one after the other": func(t *telling) {
		t.hold("a", "1 2", 0, 1, 10)
		t.add("release", "a", 2, 3, status("RELEASED"))
		t.hold("b", "2 3", 4, 5, 14)
		t.pay("b", "2 3", 6, 7)
		t.found("a", "1 2", "RELEASED")
		t.found("b", "2 3", "CONFIRMED")
	},
	"a hold that began before the release was answered": func(t *telling) {
		t.hold("a", "1", 0, 1, 10)
		t.add("release", "a", 2, 5, status("RELEASED"))
		t.hold("b", "1", 3, 4, 13)
		t.found("a", "1", "RELEASED")
	},
	"a hold after another one's time": func(t *telling) {
		t.hold("a", "1", 0, 1, 10)
		t.hold("b", "1", 10.1, 10.2, 20)
		t.found("a", "1", "EXPIRED")
		t.found("b", "1", "EXPIRED")
	},
	"a hold that was given back past its time, when another one had its seats": func(t *telling) {
		t.hold("a", "1", 0, 1, 10)
		t.hold("b", "1", 10.1, 10.5, 20)
		t.add("release", "a", 10.6, 10.7, status("RELEASED"))
		t.pay("b", "1", 11, 12)
		t.found("a", "1", "RELEASED")
		t.found("b", "1", "CONFIRMED")
	},
	"a hold that was given back by a request without an answer, and whose time was over before its repeat": func(t *telling) {
		t.hold("a", "1 2", 0, 1, 10)
		t.add("release", "a", 2, 3, unknown)
		t.hold("b", "1 2", 4, 5, 14)
		t.add("release", "a", 3, 10.5, refused("HOLD_EXPIRED"))
		t.pay("b", "1 2", 6, 7)
		t.found("a", "1 2", "EXPIRED")
		t.found("b", "1 2", "CONFIRMED")
	},
	"late money for a hold of which nobody knows whether its seats were changed": func(t *telling) {
		t.hold("a", "1", 0, 1, 10)
		t.add("change-seats", "a", 2, 3, seats("2"), unknown)
		t.add("change-seats", "a", 4, 5, seats("2"), refused("SEAT_UNAVAILABLE"))
		t.add("pay", "a", 6, 7, seats("1"), status("PAYMENT_PENDING"))
		t.hold("b", "1", 16.5, 17, 27)
		t.add("release", "b", 18, 19, status("RELEASED"))
		t.found("a", "1", "CONFIRMED")
		t.found("b", "1", "RELEASED")
	},
	"a booking that was read while it was made, paid and cancelled": func(t *telling) {
		t.hold("a", "1", 0, 5, 15)
		t.add("read-booking", "a", 3, 4, refused("NOT_FOUND"))
		t.pay("a", "1", 6, 9)
		t.add("read-booking", "a", 8, 10, seats("1"), status("PAYMENT_PENDING"))
		t.add("cancel", "a", 11, 12, seats("1"), status("CANCELLED"))
		t.found("a", "1", "CANCELLED")
	},
	"a hold that was asked to be given back, and was not": func(t *telling) {
		t.hold("a", "1", 0, 1, 10)
		t.add("release", "a", 2, 3, answeredUnknown)
		t.add("extend", "a", 4, 5, seats("1"), status("HELD"), until(20))
		t.found("a", "1", "EXPIRED")
	},
	"a hold that was given back by a request without an answer is not there to be paid": func(t *telling) {
		t.hold("a", "1", 0, 1, 10)
		t.add("release", "a", 2, 3, unknown)
		t.add("pay", "a", 4, 5, seats("1"), refused("HOLD_EXPIRED"))
		t.found("a", "1", "EXPIRED")
	},
	"an exchange that was done long after its first call was answered that nobody knows": func(t *telling) {
		t.hold("a", "1", 0, 1, 10)
		t.pay("a", "1", 1, 2)
		t.add("exchange", "a", 3, 6, seats("2"), answeredUnknown, key("x"))
		t.hold("b", "2", 5, 7, 15)
		t.add("exchange", "a", 8, 19, seats("2"), status("CONFIRMED"), heir("c"), key("x"))
		t.found("a", "1", "EXCHANGED")
		t.found("b", "2", "EXPIRED")
		t.found("c", "2", "CONFIRMED")
	},
	"a hold of which nobody heard again": func(t *telling) {
		t.add("hold", "a", 0, 1, seats("1"), unknown)
		t.hold("b", "1", 2, 3, 12)
		t.found("b", "1", "EXPIRED")
	},
	"a hold that was answered to its repeat": func(t *telling) {
		t.add("hold", "a", 0, 1, seats("1"), unknown)
		t.add("hold", "a", 4, 5, seats("1"), status("HELD"), until(10), key("hold a"))
		t.pay("a", "1", 6, 7)
		t.found("a", "1", "CONFIRMED")
	},
	"an unknown payment that has bought the seats": func(t *telling) {
		t.hold("a", "1", 0, 1, 10)
		t.add("pay", "a", 2, 3, seats("1"), unknown)
		t.add("hold", "b", 20, 21, seats("1"), refused("SEAT_UNAVAILABLE"))
		t.found("a", "1", "CONFIRMED")
	},
	"an unknown payment that has bought nothing": func(t *telling) {
		t.hold("a", "1", 0, 1, 10)
		t.add("pay", "a", 2, 3, seats("1"), unknown)
		t.hold("b", "1", 20, 21, 30)
		t.found("a", "1", "EXPIRED")
		t.found("b", "1", "EXPIRED")
	},
	"money that came late, and the seats were still free": func(t *telling) {
		t.hold("a", "1", 0, 1, 10)
		t.add("pay", "a", 9, 9.5, seats("1"), status("PAYMENT_PENDING"))
		t.hold("b", "1", 20, 21, 30)
		t.add("release", "b", 22, 23, status("RELEASED"))
		t.found("a", "1", "CONFIRMED")
		t.found("b", "1", "RELEASED")
	},
	"a payment that nobody knew of by its deadline, before the hold's time": func(t *telling) {
		t.hold("a", "1", 0, 1, 30)
		t.add("pay", "a", 2, 3, seats("1"), status("PAYMENT_PENDING"))
		t.hold("b", "1", 12, 13, 22)
		t.found("a", "1", "EXPIRED")
		t.found("b", "1", "EXPIRED")
	},
	"a pending payment that outlived its hold, and bought the seats": func(t *telling) {
		t.hold("a", "1", 0, 1, 10)
		t.add("pay", "a", 9, 9.5, seats("1"), status("PAYMENT_PENDING"), until(10))
		t.add("read-booking", "a", 12, 13, seats("1"), status("PAYMENT_PENDING"), until(10))
		t.add("hold", "b", 18, 18.5, seats("1"), refused("SEAT_UNAVAILABLE"))
		t.found("a", "1", "CONFIRMED")
	},
	"a pending payment that outlived its hold, and was declined: the seats were free at once": func(t *telling) {
		t.hold("a", "1", 0, 1, 10)
		t.add("pay", "a", 9, 9.5, seats("1"), status("PAYMENT_PENDING"))
		t.hold("b", "1", 12, 13, 22)
		t.found("a", "1", "EXPIRED")
		t.found("b", "1", "EXPIRED")
	},
	"a payment that was lost and bought the seats late, which somebody else had from the hold's time on": func(t *telling) {
		t.hold("a", "1", 0, 1, 10)
		t.add("pay", "a", 9, 9.5, seats("1"), answeredUnknown)
		t.hold("b", "1", 11, 12, 21)
		t.add("release", "b", 13, 14, status("RELEASED"))
		t.found("a", "1", "CONFIRMED")
		t.found("b", "1", "RELEASED")
	},
	"a payment after a pending one that failed, lost, and late": func(t *telling) {
		t.hold("a", "1", 0, 1, 10)
		t.add("pay", "a", 2, 3, seats("1"), status("PAYMENT_PENDING"), key("first"))
		t.add("pay", "a", 9, 9.5, seats("1"), answeredUnknown, key("second"))
		t.hold("b", "1", 11, 12, 21)
		t.add("release", "b", 13, 14, status("RELEASED"))
		t.found("a", "1", "CONFIRMED")
		t.found("b", "1", "RELEASED")
	},
	"two extensions, of which one was asked for again": func(t *telling) {
		t.hold("a", "1", 0, 1, 10)
		t.add("extend", "a", 2, 3, seats("1"), status("HELD"), until(20), key("first"))
		t.add("extend", "a", 4, 5, seats("1"), status("HELD"), until(30), key("second"))
		t.add("extend", "a", 6, 7, seats("1"), status("HELD"), until(30), key("first"))
		t.found("a", "1", "EXPIRED")
	},
	"an extension without an answer that somebody has seen": func(t *telling) {
		t.hold("a", "1", 0, 1, 10)
		t.add("extend", "a", 2, 3, seats("1"), unknown)
		t.add("read-booking", "a", 4, 5, seats("1"), status("HELD"), until(20))
		t.found("a", "1", "EXPIRED")
	},
	"an extension that was seen before it was answered": func(t *telling) {
		t.hold("a", "1", 0, 1, 10)
		t.add("extend", "a", 2, 5, seats("1"), status("HELD"), until(20))
		t.add("read-booking", "a", 3, 4, seats("1"), status("HELD"), until(20))
		t.found("a", "1", "EXPIRED")
	},
	"an extension": func(t *telling) {
		t.hold("a", "1", 0, 1, 10)
		t.add("extend", "a", 2, 3, seats("1"), status("HELD"), until(20))
		t.hold("b", "1", 20.1, 21, 30)
		t.found("a", "1", "EXPIRED")
		t.found("b", "1", "EXPIRED")
	},
	"a change of seats": func(t *telling) {
		t.hold("a", "1 2", 0, 1, 10)
		t.add("change-seats", "a", 2, 3, seats("2 3"), status("HELD"), until(10))
		t.hold("b", "1", 4, 5, 14)
		t.pay("a", "2 3", 6, 7)
		t.found("a", "2 3", "CONFIRMED")
		t.found("b", "1", "EXPIRED")
	},
	"an unknown change of seats, either way": func(t *telling) {
		t.hold("a", "1", 0, 1, 10)
		t.add("change-seats", "a", 2, 3, seats("2"), unknown)
		t.pay("a", "2", 6, 7)
		t.found("a", "2", "CONFIRMED")
		t.hold("b", "5", 0, 1, 10)
		t.add("change-seats", "b", 2, 3, seats("6"), unknown)
		t.pay("b", "5", 6, 7)
		t.found("b", "5", "CONFIRMED")
	},
	"a change of seats that was asked for a hundred times without an answer": func(t *telling) {
		t.hold("a", "1", 0, 1, 10)
		for turn := range 100 {
			t.add("change-seats", "a", 2+float64(turn)/100, 3, seats("2"), unknown)
		}
		t.hold("b", "2", 4, 5, 14)
		t.hold("c", "2", 20, 21, 30)
		t.hold("d", "1", 20, 21, 30)
		t.found("a", "1", "EXPIRED")
		t.found("b", "2", "EXPIRED")
		t.found("c", "2", "EXPIRED")
		t.found("d", "1", "EXPIRED")
	},
	"a cancellation": func(t *telling) {
		t.hold("a", "1", 0, 1, 10)
		t.pay("a", "1", 2, 3)
		t.add("cancel", "a", 4, 5, status("CANCELLED"))
		t.hold("b", "1", 6, 7, 16)
		t.found("a", "1", "CANCELLED")
		t.found("b", "1", "EXPIRED")
	},
	"a cancellation of some seats": func(t *telling) {
		t.hold("a", "1 2", 0, 1, 10)
		t.pay("a", "1 2", 2, 3)
		t.add("cancel", "a", 4, 5, seats("2"), status("CONFIRMED"))
		t.hold("b", "1", 6, 7, 16)
		t.found("a", "2", "CONFIRMED")
		t.found("b", "1", "EXPIRED")
	},
	"an exchange within a show, with a seat kept": func(t *telling) {
		t.hold("a", "1 2", 0, 1, 10)
		t.pay("a", "1 2", 2, 3)
		t.add("exchange", "a", 4, 5, seats("2 3"), status("CONFIRMED"), heir("n"))
		t.hold("b", "1", 6, 7, 16)
		t.found("a", "1 2", "EXCHANGED")
		t.found("n", "2 3", "CONFIRMED")
		t.found("b", "1", "EXPIRED")
	},
	"an exchange whose answer never came": func(t *telling) {
		t.hold("a", "1 2", 0, 1, 10)
		t.pay("a", "1 2", 2, 3)
		t.add("exchange", "a", 4, 5, seats("2 3"), unknown)
		t.hold("b", "1", 6, 7, 16)
		t.found("a", "1 2", "EXCHANGED")
		t.found("n", "2 3", "CONFIRMED")
		t.found("b", "1", "EXPIRED")
	},
	"an exchange whose answer never came, nor that of a hold of the same seats": func(t *telling) {
		t.hold("a", "1", 0, 1, 10)
		t.pay("a", "1", 2, 3)
		t.add("exchange", "a", 4, 30, seats("2 3"), unknown)
		t.found("a", "1", "EXCHANGED")
		t.found("b", "2 3", "EXPIRED")
		t.found("n", "2 3", "CONFIRMED")
	},
	"an exchange that waited for the bank, and came to nothing": func(t *telling) {
		t.hold("a", "1", 0, 1, 10)
		t.pay("a", "1", 2, 3)
		t.add("exchange", "a", 4, 5, seats("2"), status("PAYMENT_PENDING"), heir("n"))
		t.hold("b", "2", 20, 21, 30)
		t.found("a", "1", "CONFIRMED")
		t.found("n", "2", "FAILED")
		t.found("b", "2", "EXPIRED")
	},
	"an exchange into another show, and on": func(t *telling) {
		t.hold("a", "1", 0, 1, 10)
		t.pay("a", "1", 2, 3)
		t.add("exchange", "a", 4, 5, show("s2"), seats("1"), unknown)
		t.add("exchange", "a", 6, 7, show("s2"), seats("1"), status("CONFIRMED"), heir("n"))
		t.add("exchange", "n", 8, 9, show("s2"), seats("4"), status("CONFIRMED"), heir("m"))
		t.hold("b", "1", 8, 9, 18)
		t.found("a", "1", "EXCHANGED")
		t.add("read-booking", "n", 100, 101, show("s2"), seats("1"), status("EXCHANGED"))
		t.add("read-booking", "m", 100, 101, show("s2"), seats("4"), status("CONFIRMED"))
		t.found("b", "1", "EXPIRED")
	},
	"a refusal by what was told a moment ago": func(t *telling) {
		t.hold("a", "1", 0, 1, 10)
		t.add("release", "a", 2, 3, status("RELEASED"))
		t.add("hold", "b", 3.3, 3.31, seats("1"), refused("SEAT_UNAVAILABLE"))
		t.found("a", "1", "RELEASED")
	},
	"a hold that was answered to its repeat only, and was somebody's meanwhile": func(t *telling) {
		t.hold("b", "1", 0, 1, 10)
		t.add("hold", "", 0.5, 0.6, seats("1"), unknown, key("k"))
		t.add("hold", "a", 10.2, 11, seats("1"), status("HELD"), until(20), key("k"))
		t.found("a", "1", "EXPIRED")
		t.found("b", "1", "EXPIRED")
	},
	"a booking that was only looked at while it was held": func(t *telling) {
		t.hold("a", "1", 0, 1, 10)
		t.add("read-booking", "a", 2, 3, seats("1"), status("HELD"))
		t.hold("b", "1", 11, 12, 21)
	},
	"a hold that was given back again and again without an answer, beside a change that cannot have been": func(t *telling) {
		t.hold("a", "1", 0, 1, 10)
		t.hold("b", "2", 0, 1, 10)
		t.add("change-seats", "b", 1.5, 1.6, seats("2 3"), answeredUnknown)
		t.releasedWithoutAnswers("a", 2, 3)
		t.hold("c", "3", 5, 6, 15)
		t.hold("d", "1 2", 10.2, 11, 20)
		t.found("a", "1", "EXPIRED")
		t.found("b", "2", "EXPIRED")
		t.found("c", "3", "EXPIRED")
		t.found("d", "1 2", "EXPIRED")
	},
	"a payment that failed with its seats gone": func(t *telling) {
		t.hold("a", "1", 0, 1, 10)
		t.add("pay", "a", 2, 3, seats("1"), unknown)
		t.hold("b", "1", 5, 6, 15)
		t.found("a", "1", "FAILED")
		t.found("b", "1", "EXPIRED")
	},
}

var illegal = map[string]struct {
	rule string
	tell func(*telling)
}{
	"a booking that was answered, and not there a moment later": {"what was told is so", func(t *telling) {
		t.hold("a", "1", 0, 1, 10)
		t.add("read-booking", "a", 2, 3, refused("NOT_FOUND"))
		t.found("a", "1", "EXPIRED")
	}},
	"a booking that was confirmed, and held a moment later": {"what was told is so", func(t *telling) {
		t.hold("a", "1", 0, 1, 10)
		t.pay("a", "1", 2, 3)
		t.add("read-booking", "a", 4, 5, seats("1"), status("PAYMENT_PENDING"))
		t.found("a", "1", "CONFIRMED")
	}},
	"a booking that was released, and held a moment later": {"what was told is so", func(t *telling) {
		t.hold("a", "1", 0, 1, 10)
		t.add("release", "a", 2, 3, status("RELEASED"))
		t.add("read-booking", "a", 4, 5, seats("1"), status("HELD"))
		t.found("a", "1", "RELEASED")
	}},
	"a hold that was given away before a request without an answer asked to give it back": {"one owner per seat, all or none", func(t *telling) {
		t.hold("a", "1", 0, 1, 10)
		t.hold("b", "1", 4, 5, 14)
		t.add("release", "a", 6, 7, unknown)
		t.found("a", "1", "EXPIRED")
		t.found("b", "1", "EXPIRED")
	}},
	"a hold that was given away though it was extended after a request without an answer to give it back": {"one owner per seat, all or none", func(t *telling) {
		t.hold("a", "1", 0, 1, 10)
		t.add("release", "a", 2, 3, unknown)
		t.hold("b", "1", 4, 5, 14)
		t.add("extend", "a", 6, 7, seats("1"), status("HELD"), until(20))
		t.found("a", "1", "EXPIRED")
		t.found("b", "1", "EXPIRED")
	}},
	"a seat sold twice": {"one owner", func(t *telling) {
		t.hold("a", "1", 0, 1, 10)
		t.hold("b", "1", 2, 3, 12)
	}},
	"a seat sold twice, at the same time": {"one owner", func(t *telling) {
		t.hold("a", "1", 0, 5, 15)
		t.hold("b", "1", 1, 4, 14)
		t.pay("a", "1", 6, 7)
		t.pay("b", "1", 6, 7)
	}},
	"a hold whose seats another one had before it was given back": {"one owner", func(t *telling) {
		t.hold("a", "1", 0, 1, 10)
		t.hold("b", "1", 2, 3, 12)
		t.add("release", "a", 4, 5, status("RELEASED"))
		t.found("a", "1", "RELEASED")
	}},
	"a hold whose seats another one had before its time, though it was given back past it": {"one owner", func(t *telling) {
		t.hold("a", "1", 0, 1, 10)
		t.hold("b", "1", 2, 3, 12)
		t.add("release", "a", 11, 12, status("RELEASED"))
		t.found("a", "1", "RELEASED")
	}},
	"half of a hold": {"one owner", func(t *telling) {
		t.hold("a", "1 2", 0, 1, 10)
		t.hold("b", "2 3", 2, 3, 12)
	}},
	"a hold that ended before its time": {"one owner", func(t *telling) {
		t.hold("a", "1", 0, 1, 10)
		t.hold("b", "1", 9, 9.5, 19)
		t.found("a", "1", "EXPIRED")
	}},
	"a pending payment that ended before its deadline": {"one owner", func(t *telling) {
		t.hold("a", "1", 0, 1, 30)
		t.add("pay", "a", 2, 3, seats("1"), status("PAYMENT_PENDING"))
		t.hold("b", "1", 11, 11.5, 21)
		t.found("a", "1", "EXPIRED")
	}},
	"a hold whose payment was declined, and that ended before its time": {"one owner", func(t *telling) {
		t.hold("a", "1", 0, 1, 30)
		t.add("pay", "a", 2, 3, seats("1"), refused("PAYMENT_DECLINED"))
		t.hold("b", "1", 12, 13, 22)
		t.found("a", "1", "EXPIRED")
	}},
	"an extension that was not kept": {"one owner", func(t *telling) {
		t.hold("a", "1", 0, 1, 10)
		t.add("extend", "a", 2, 3, seats("1"), status("HELD"), until(20))
		t.hold("b", "1", 15, 16, 25)
		t.found("a", "1", "EXPIRED")
	}},
	"a confirmation that was lost": {"one owner", func(t *telling) {
		t.hold("a", "1", 0, 1, 10)
		t.pay("a", "1", 2, 3)
		t.found("a", "1", "EXPIRED")
	}},
	"a booking that is gone": {"one owner", func(t *telling) {
		t.hold("a", "1", 0, 1, 10)
		t.add("read-booking", "a", 5, 6, refused("NOT_FOUND"))
	}},
	"other seats than were paid for": {"one owner", func(t *telling) {
		t.hold("a", "1", 0, 1, 10)
		t.pay("a", "1", 2, 3)
		t.found("a", "2", "CONFIRMED")
	}},
	"a payment of seats that somebody else has by now": {"one owner", func(t *telling) {
		t.hold("a", "1", 0, 1, 10)
		t.add("pay", "a", 9, 9.5, seats("1"), status("PAYMENT_PENDING"))
		t.hold("b", "1", 12, 13, 22)
		t.pay("b", "1", 14, 15)
		t.found("a", "1", "CONFIRMED")
		t.found("b", "1", "CONFIRMED")
	}},
	"a pending payment that bought seats which somebody else had before its deadline, though past the hold's time": {"one owner", func(t *telling) {
		t.hold("a", "1", 0, 1, 10)
		t.add("pay", "a", 9, 9.5, seats("1"), status("PAYMENT_PENDING"))
		t.hold("b", "1", 11, 12, 21)
		t.add("release", "b", 13, 14, status("RELEASED"))
		t.found("a", "1", "CONFIRMED")
		t.found("b", "1", "RELEASED")
	}},
	"an end that was told while a payment was pending that bought the seats": {"keeps its time", func(t *telling) {
		t.hold("a", "1", 0, 1, 10)
		t.add("pay", "a", 9, 9.5, seats("1"), status("PAYMENT_PENDING"))
		t.add("extend", "a", 11, 12, seats("1"), refused("HOLD_EXPIRED"))
		t.found("a", "1", "CONFIRMED")
	}},
	"an extension that was made twice under its key": {"keeps its time", func(t *telling) {
		t.hold("a", "1", 0, 1, 10)
		t.add("extend", "a", 2, 3, seats("1"), unknown)
		t.add("extend", "a", 4, 5, seats("1"), status("HELD"), until(30))
		t.found("a", "1", "EXPIRED")
	}},
	"more time than anybody asked for": {"keeps its time", func(t *telling) {
		t.hold("a", "1", 0, 1, 10)
		t.add("read-booking", "a", 2, 3, seats("1"), status("HELD"), until(12))
		t.found("a", "1", "EXPIRED")
	}},
	"an extension that was seen before it was asked for": {"keeps its time", func(t *telling) {
		t.hold("a", "1", 0, 1, 10)
		t.add("read-booking", "a", 2, 3, seats("1"), status("HELD"), until(20))
		t.add("extend", "a", 4, 5, seats("1"), status("HELD"), until(20))
		t.found("a", "1", "EXPIRED")
	}},
	"seats of a cancelled booking that was sold before it was cancelled": {"one owner", func(t *telling) {
		t.hold("a", "1", 0, 1, 10)
		t.pay("a", "1", 2, 3)
		t.hold("b", "1", 4, 5, 14)
		t.add("cancel", "a", 6, 7, status("CANCELLED"))
		t.found("a", "1", "CANCELLED")
	}},
	"an exchange that took what was not free": {"one owner", func(t *telling) {
		t.hold("a", "1", 0, 1, 10)
		t.pay("a", "1", 2, 3)
		t.hold("b", "2", 0, 1, 10)
		t.pay("b", "2", 2, 3)
		t.add("exchange", "a", 4, 5, seats("2"), status("CONFIRMED"), heir("n"))
	}},
	"an exchange whose answer never came, of seats that somebody has": {"one owner", func(t *telling) {
		t.hold("a", "1", 0, 1, 10)
		t.pay("a", "1", 2, 3)
		t.hold("b", "2", 0, 1, 10)
		t.pay("b", "2", 2, 3)
		t.add("exchange", "a", 4, 5, seats("2"), unknown)
		t.found("a", "1", "EXCHANGED")
		t.found("b", "2", "CONFIRMED")
		t.found("n", "2", "CONFIRMED")
	}},
	"an exchange whose old seats were sold before": {"one owner", func(t *telling) {
		t.hold("a", "1", 0, 1, 10)
		t.pay("a", "1", 2, 3)
		t.hold("b", "1", 4, 5, 14)
		t.add("exchange", "a", 6, 7, seats("2"), status("CONFIRMED"), heir("n"))
		t.found("n", "2", "CONFIRMED")
	}},
	"a release that nobody asked for": {"one owner", func(t *telling) {
		t.hold("a", "1", 0, 1, 10)
		t.found("a", "1", "RELEASED")
	}},
	// Each seat alone could have been so.
	"two changes of seats that crossed": {"one owner", func(t *telling) {
		t.hold("a", "1", 0, 1, 30)
		t.hold("b", "2", 0, 1, 30)
		t.add("change-seats", "a", 2, 5, seats("2"), status("HELD"), until(30))
		t.add("change-seats", "b", 2, 5, seats("1"), status("HELD"), until(30))
		t.pay("a", "2", 6, 7)
		t.pay("b", "1", 6, 7)
	}},
	"a key with two bookings": {"one key", func(t *telling) {
		t.add("hold", "a", 0, 1, seats("1"), status("HELD"), until(10), key("k"), client(1))
		t.add("hold", "b", 2, 3, seats("2"), status("HELD"), until(12), key("k"), client(1))
	}},
	"a repeat that was answered otherwise": {"one key", func(t *telling) {
		t.add("hold", "a", 0, 1, seats("1"), status("HELD"), until(10), key("k"))
		t.add("hold", "a", 2, 3, seats("1"), status("HELD"), until(12), key("k"))
	}},
	"an end that was told too early": {"keeps its time", func(t *telling) {
		t.hold("a", "1", 0, 1, 10)
		t.add("pay", "a", 5, 6, seats("1"), refused("HOLD_EXPIRED"))
	}},
	"a hold that was paid after its time": {"past its time", func(t *telling) {
		t.hold("a", "1", 0, 1, 10)
		t.pay("a", "1", 11, 12)
		t.found("a", "1", "CONFIRMED")
	}},
	"a hold that was changed after its time": {"past its time", func(t *telling) {
		t.hold("a", "1", 0, 1, 10)
		t.add("extend", "a", 11, 12, seats("1"), status("HELD"), until(20))
	}},
	"a refusal without a reason": {"refused for a reason", func(t *telling) {
		t.hold("a", "1", 0, 1, 10)
		t.add("release", "a", 2, 3, status("RELEASED"))
		t.add("hold", "b", 4, 5, seats("1"), refused("SEAT_UNAVAILABLE"))
		t.found("a", "1", "RELEASED")
	}},
	"a seat that two have, after a hold that was given back again and again without an answer": {"one owner per seat", func(t *telling) {
		t.hold("a", "1 2", 0, 1, 10)
		t.releasedWithoutAnswers("a", 1, 2)
		t.hold("b", "2 3", 3, 4, 13)
		t.hold("c", "2 4", 5, 6, 15)
		t.found("a", "1 2", "EXPIRED")
		t.found("b", "2 3", "EXPIRED")
		t.found("c", "2 4", "EXPIRED")
	}},
	"a seat that two have, after one that nobody has looked at was given back again and again without an answer": {"one owner per seat", func(t *telling) {
		t.hold("a", "1 2", 0, 1, 10)
		t.releasedWithoutAnswers("a", 1, 2)
		t.hold("b", "2 3", 3, 4, 13)
		t.hold("c", "2 4", 5, 6, 15)
		t.found("b", "2 3", "EXPIRED")
		t.found("c", "2 4", "EXPIRED")
	}},
	"a refusal for a hold whose time is long over": {"refused for a reason", func(t *telling) {
		t.hold("a", "1", 0, 1, 10)
		t.add("hold", "b", 12, 13, seats("1"), refused("SEAT_UNAVAILABLE"))
		t.found("a", "1", "EXPIRED")
	}},
}

func TestLegalHistories(t *testing.T) {
	for name, write := range legal {
		t.Run(name, func(t *testing.T) {
			told := &telling{}
			write(told)
			if found := check(told.operations, usual, ""); !found.Ok {
				t.Fatalf("%d violations: %s %v", found.Violations, messages(found), found.Undecided)
			}
		})
	}
}

func TestIllegalHistories(t *testing.T) {
	for name, history := range illegal {
		t.Run(name, func(t *testing.T) {
			told := &telling{}
			history.tell(told)
			found := check(told.operations, usual, "")
			if found.Violations == 0 || !strings.Contains(messages(found), history.rule) {
				t.Fatalf("expected a violation of %q, got %q", history.rule, messages(found))
			}
		})
	}
}

func messages(found report) string {
	var all []string
	for _, each := range found.Illegal {
		all = append(all, each.Message)
	}
	return strings.Join(all, "\n")
}

// A sale of some hours as a hundred clients would see it, with one thing wrong at its end.
func busy(rounds int) *telling {
	told := &telling{}
	for round := range rounds {
		at := float64(round % 4000)
		row := fmt.Sprint("r", round/4000, "-")
		booking := fmt.Sprint("b", round)
		switch round % 4 {
		case 0:
			told.hold(booking, row+"1 "+row+"2", at, at+0.5, at+1)
			told.add("read-booking", booking, 5000, 5001, seats(row+"1 "+row+"2"), status("EXPIRED"))
		case 1:
			told.hold(booking, row+"2 "+row+"3", at+0.2, at+0.7, at+10)
			told.add("release", booking, at+0.75, at+0.9, status("RELEASED"))
			told.add("read-booking", booking, 5000, 5001, seats(row+"2 "+row+"3"), status("RELEASED"))
		case 2:
			told.add("hold", booking, at, at+0.1, seats(row+"1 "+row+"2"), unknown)
			told.add("hold", booking, at+0.2, at+0.4, seats(row+"1 "+row+"2"), status("HELD"), until(at+1), key("hold "+booking))
			told.add("read-booking", booking, 5000, 5001, seats(row+"1 "+row+"2"), status("EXPIRED"))
		case 3:
			told.add("hold", booking, at-0.5, at, seats(row+"1"), refused("SEAT_UNAVAILABLE"))
		}
	}
	return told
}

func TestALongHistoryIsCheckedInSeconds(t *testing.T) {
	told := busy(200_000)
	started := time.Now()
	if found := check(told.operations, usual, ""); !found.Ok {
		t.Fatalf("%d violations: %s %v", found.Violations, messages(found), found.Undecided)
	}
	t.Logf("%d operations in %s", len(told.operations), time.Since(started))
	if took := time.Since(started); took > time.Minute {
		t.Fatalf("took %s", took)
	}
}

func TestALongHistoryWithOneThingWrong(t *testing.T) {
	told := busy(8_000)
	told.hold("x", "r0-1", 3990, 3990.1, 3999)
	folder := t.TempDir()
	found := check(told.operations, usual, folder)
	if found.Ok || len(found.Undecided) > 0 {
		t.Fatalf("expected a violation: %+v", found)
	}
	drawings, _ := filepath.Glob(filepath.Join(folder, "illegal-*.html"))
	if len(drawings) == 0 {
		t.Fatal("no drawing was made")
	}
	if info, _ := os.Stat(drawings[0]); info.Size() < 1000 {
		t.Fatal("the drawing is empty")
	}
}
