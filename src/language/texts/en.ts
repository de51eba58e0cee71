/** What people are told, in English. Every other language has the same keys, and the plurals that it has. */
export const en = {
  ticket: {
    title: 'Ticket',
    bookingNumber: 'Booking number',
    seats_one: '{{count, number}} seat',
    seats_other: '{{count, number}} seats',
    accessible: 'wheelchair space',
    atTheDoor: 'Show this code at the door. It admits everyone on this booking together.',
    startsAt: '{{startsAt, moment}}',
  },
  facts: {
    show: 'Show',
    when: 'When',
    where: 'Where',
    seats: 'Seats',
    bookingNumber: 'Booking number',
    paid: 'Price',
    refund: 'Refund',
    kept: 'Kept',
    startsAt: '{{startsAt, moment}}',
    amount: '{{amount, money}}',
    seatList: '{{seats, list}}',
  },
  greeting: 'Hello,',
  footer: 'You get this because of a booking at Seatkeeper.',
  footerWithOptOut:
    'You get this because of a booking at Seatkeeper. Messages of this kind can be switched off in your account.',
  /** Why money goes back, by the reason that its event gives. */
  reasons: {
    cancellation: 'You cancelled seats.',
    show_cancelled: 'The show was cancelled.',
    exchange: 'You exchanged your booking.',
    transfer: 'The booking was handed over.',
    seats_gone: 'Your payment arrived after the time for it, and the seats had been sold meanwhile.',
    paid_twice: 'The booking was paid twice.',
    amount_differs: 'The amount paid was not the price of the seats.',
    other: 'The booking has changed.',
  },
  messages: {
    booking: {
      held: {
        subject: 'Your seats for {{title}} are held',
        body_one: 'We hold {{count, number}} seat for you until {{expiresAt, moment}}. Pay by then to keep it.',
        body_other: 'We hold {{count, number}} seats for you until {{expiresAt, moment}}. Pay by then to keep them.',
        short: 'Held for you until {{expiresAt, moment}}: {{seats, list}}, {{title}}.',
      },
      confirmed: {
        subject: 'Your tickets for {{title}}, {{bookingNumber}}',
        body_one: 'Your seat is booked. The ticket is attached: show its code at the door.',
        body_other: 'Your {{count, number}} seats are booked. The ticket is attached: show its code at the door.',
        short: 'Booked: {{title}}, {{startsAt, moment}}, {{venue}}. Seats {{seats, list}}. {{bookingNumber}}',
      },
      expired: {
        subject: 'Your seats for {{title}} are still free',
        body: 'You did not pay in time, so your seats are on sale again. Nobody has taken them yet: you may still book them.',
        short: 'Your seats for {{title}} were not paid, and are still free: {{seats, list}}.',
      },
      failed: {
        subject: 'Your booking for {{title}} did not go through',
        body: 'Your purchase could not be completed, and no seats are booked. If money was taken, it goes back to you by itself.',
        short: 'Your booking for {{title}} did not go through. Any money that was taken goes back to you.',
      },
      cancelled: {
        subject: 'Booking {{bookingNumber}} is cancelled',
        body: 'Your booking is cancelled, as you asked. Its ticket is not good any more.',
        refunded: '{{refund, money}} goes back to you.',
        nothingBack: 'By the terms of the booking nothing of its price goes back.',
        short: 'Booking {{bookingNumber}} is cancelled. Refund: {{refund, money}}.',
      },
      partlyCancelled: {
        subject: 'Seats of booking {{bookingNumber}} are cancelled',
        body_one:
          'A seat of your booking is cancelled, as you asked: {{cancelledSeats, list}}. Your old ticket is not good any more; the new one is attached.',
        body_other:
          '{{count, number}} seats of your booking are cancelled, as you asked: {{cancelledSeats, list}}. Your old ticket is not good any more; the new one is attached.',
        short:
          'Cancelled seats of {{bookingNumber}}: {{cancelledSeats, list}}. Refund: {{refund, money}}. Your old ticket is not good any more.',
      },
      exchanged: {
        subject: 'Your booking was exchanged: {{title}}',
        body: 'Your booking was exchanged for the one below. The old ticket is not good any more; the new one is attached.',
        paid: 'You paid the difference of {{difference, money}}.',
        refunded: '{{refund, money}} goes back to you.',
        short: 'Exchanged: now {{title}}, {{startsAt, moment}}, {{venue}}. Seats {{seats, list}}. {{bookingNumber}}',
      },
      transferred: {
        subject: 'Booking {{bookingNumber}} has been handed over',
        body: 'You have handed this booking over to somebody else. Your ticket is not good any more.',
        short: 'You have handed over booking {{bookingNumber}}. Your ticket is not good any more.',
      },
      received: {
        subject: 'A booking for {{title}} is yours now, {{bookingNumber}}',
        body: 'Somebody has handed a booking over to you. Its ticket is attached: show its code at the door.',
        claim: 'To see or change the booking, open its account with this code, once: {{claimToken}}',
        short:
          'A booking is yours now: {{title}}, {{startsAt, moment}}, {{venue}}. Seats {{seats, list}}. {{bookingNumber}}',
      },
      reminder: {
        subject: 'Soon: {{title}}',
        body: 'Your show begins on {{startsAt, moment}}. Your ticket is attached.',
        short: 'Soon: {{title}}, {{startsAt, moment}}, {{venue}}, {{screen}}. Seats {{seats, list}}. {{bookingNumber}}',
      },
    },
    refund: {
      started: {
        subject: '{{amount, money}} is on its way back to you',
        body: '{{amount, money}} is on its way back to where you paid from. {{why}}',
        short: '{{amount, money}} for {{bookingNumber}} is on its way back to you. {{why}}',
      },
      succeeded: {
        subject: 'You have been paid back {{amount, money}}',
        body: 'Your payment provider has confirmed that {{amount, money}} went back to you. Your bank may take some days to show it. {{why}}',
        short: '{{amount, money}} for {{bookingNumber}} has been paid back to you. {{why}}',
      },
      failed: {
        subject: 'Your refund of {{amount, money}} takes longer',
        body: 'The payment provider could not pay back {{amount, money}} at the first attempt. We try again until it is done; you need not do anything. {{why}}',
        short: 'Your refund of {{amount, money}} takes longer: we try again until it is done. {{why}}',
      },
    },
    payment: {
      refunded: {
        subject: 'Your payment of {{amount, money}} goes back to you',
        body: 'You paid {{amount, money}}, and no seats are booked for it. All of it goes back to you by itself. {{why}}',
        short: 'Your payment of {{amount, money}} for {{title}} goes back to you by itself. {{why}}',
      },
    },
    show: {
      cancelled: {
        subject: 'Cancelled: {{title}}',
        body: 'We are sorry: this show has been cancelled. {{reason}}\n\nAll that you paid goes back to you by itself; you need not do anything.',
        short: 'Cancelled: {{title}}, {{startsAt, moment}}, {{venue}}. All that you paid goes back to you.',
      },
      moved: {
        subject: 'New time: {{title}}',
        body: 'This show now begins on {{toStartsAt, moment}}, not on {{fromStartsAt, moment}}. Your seats and your ticket stay good.',
        refundUntil:
          'If the new time does not suit you: until {{refundUntil, moment}} you may cancel the booking and get all of your money back.',
        short: 'New time of {{title}}: {{toStartsAt, moment}}, not {{fromStartsAt, moment}}. Your ticket stays good.',
        shortRefundUntil: 'Cancel by {{refundUntil, moment}} for all of your money back.',
      },
    },
  },
};
