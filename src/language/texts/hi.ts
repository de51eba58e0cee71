import type { en } from './en.ts';

/** What people are told, in Hindi. */
export const hi: typeof en = {
  ticket: {
    title: 'टिकट',
    bookingNumber: 'बुकिंग संख्या',
    seats_one: '{{count, number}} सीट',
    seats_other: '{{count, number}} सीटें',
    accessible: 'व्हीलचेयर स्थान',
    atTheDoor: 'यह कोड प्रवेश द्वार पर दिखाएँ। इससे इस बुकिंग के सभी लोग एक साथ प्रवेश पाते हैं।',
    startsAt: '{{startsAt, moment}}',
  },
};
