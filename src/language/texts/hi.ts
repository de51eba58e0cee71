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
  facts: {
    show: 'शो',
    when: 'समय',
    where: 'स्थान',
    seats: 'सीटें',
    bookingNumber: 'बुकिंग संख्या',
    paid: 'मूल्य',
    refund: 'वापसी',
    kept: 'काटी गई राशि',
    startsAt: '{{startsAt, moment}}',
    amount: '{{amount, money}}',
    seatList: '{{seats, list}}',
  },
  greeting: 'नमस्ते,',
  footer: 'यह संदेश आपको Seatkeeper पर की गई बुकिंग के कारण मिला है।',
  footerWithOptOut: 'यह संदेश आपको Seatkeeper पर की गई बुकिंग के कारण मिला है। ऐसे संदेश आप अपने खाते में बंद कर सकते हैं।',
  reasons: {
    cancellation: 'आपने सीटें रद्द कीं।',
    show_cancelled: 'शो रद्द कर दिया गया।',
    exchange: 'आपने अपनी बुकिंग बदली।',
    transfer: 'बुकिंग किसी और को सौंप दी गई।',
    seats_gone: 'आपका भुगतान समय बीतने के बाद पहुँचा, और तब तक सीटें बिक चुकी थीं।',
    paid_twice: 'बुकिंग का भुगतान दो बार हुआ।',
    amount_differs: 'भुगतान की गई राशि सीटों के मूल्य के बराबर नहीं थी।',
    other: 'बुकिंग में बदलाव हुआ है।',
  },
  messages: {
    booking: {
      held: {
        subject: '{{title}} के लिए आपकी सीटें रोक ली गई हैं',
        body_one: 'हमने आपके लिए {{count, number}} सीट {{expiresAt, moment}} तक रोक रखी है। उसे पाने के लिए तब तक भुगतान करें।',
        body_other:
          'हमने आपके लिए {{count, number}} सीटें {{expiresAt, moment}} तक रोक रखी हैं। उन्हें पाने के लिए तब तक भुगतान करें।',
        short: '{{expiresAt, moment}} तक आपके लिए रोकी गई सीटें: {{seats, list}}, {{title}}।',
      },
      confirmed: {
        subject: '{{title}} के लिए आपके टिकट, {{bookingNumber}}',
        body_one: 'आपकी सीट बुक हो गई है। टिकट संलग्न है: प्रवेश द्वार पर उसका कोड दिखाएँ।',
        body_other: 'आपकी {{count, number}} सीटें बुक हो गई हैं। टिकट संलग्न है: प्रवेश द्वार पर उसका कोड दिखाएँ।',
        short: 'बुकिंग हो गई: {{title}}, {{startsAt, moment}}, {{venue}}। सीटें {{seats, list}}। {{bookingNumber}}',
      },
      expired: {
        subject: '{{title}} के लिए आपकी सीटें अब भी खाली हैं',
        body: 'भुगतान समय पर नहीं हुआ, इसलिए आपकी सीटें फिर से बिक्री पर हैं। अभी तक किसी ने उन्हें नहीं लिया है: आप उन्हें अब भी बुक कर सकते हैं।',
        short: '{{title}} के लिए आपकी सीटों का भुगतान नहीं हुआ, वे अब भी खाली हैं: {{seats, list}}।',
      },
      failed: {
        subject: '{{title}} के लिए आपकी बुकिंग नहीं हो सकी',
        body: 'आपकी ख़रीद पूरी नहीं हो सकी, और कोई सीट बुक नहीं हुई। अगर पैसे कटे हैं, तो वे अपने आप आपको वापस मिल जाएँगे।',
        short: '{{title}} के लिए आपकी बुकिंग नहीं हो सकी। कटे हुए पैसे आपको वापस मिल जाएँगे।',
      },
      cancelled: {
        subject: 'बुकिंग {{bookingNumber}} रद्द हो गई है',
        body: 'आपके कहने पर आपकी बुकिंग रद्द कर दी गई है। उसका टिकट अब मान्य नहीं है।',
        refunded: '{{refund, money}} आपको वापस मिल रहे हैं।',
        nothingBack: 'बुकिंग की शर्तों के अनुसार कोई राशि वापस नहीं होगी।',
        short: 'बुकिंग {{bookingNumber}} रद्द हो गई है। वापसी: {{refund, money}}।',
      },
      partlyCancelled: {
        subject: 'बुकिंग {{bookingNumber}} की कुछ सीटें रद्द हो गई हैं',
        body_one:
          'आपके कहने पर आपकी बुकिंग की एक सीट रद्द कर दी गई है: {{cancelledSeats, list}}। आपका पुराना टिकट अब मान्य नहीं है; नया टिकट संलग्न है।',
        body_other:
          'आपके कहने पर आपकी बुकिंग की {{count, number}} सीटें रद्द कर दी गई हैं: {{cancelledSeats, list}}। आपका पुराना टिकट अब मान्य नहीं है; नया टिकट संलग्न है।',
        short:
          '{{bookingNumber}} की रद्द सीटें: {{cancelledSeats, list}}। वापसी: {{refund, money}}। आपका पुराना टिकट अब मान्य नहीं है।',
      },
      exchanged: {
        subject: 'आपकी बुकिंग बदल दी गई है: {{title}}',
        body: 'आपकी बुकिंग नीचे दी गई बुकिंग से बदल दी गई है। पुराना टिकट अब मान्य नहीं है; नया टिकट संलग्न है।',
        paid: 'आपने {{difference, money}} का अंतर चुकाया।',
        refunded: '{{refund, money}} आपको वापस मिल रहे हैं।',
        short: 'बुकिंग बदली गई: अब {{title}}, {{startsAt, moment}}, {{venue}}। सीटें {{seats, list}}। {{bookingNumber}}',
      },
      transferred: {
        subject: 'बुकिंग {{bookingNumber}} सौंप दी गई है',
        body: 'आपने यह बुकिंग किसी और को सौंप दी है। आपका टिकट अब मान्य नहीं है।',
        short: 'आपने बुकिंग {{bookingNumber}} सौंप दी है। आपका टिकट अब मान्य नहीं है।',
      },
      received: {
        subject: '{{title}} की एक बुकिंग अब आपकी है, {{bookingNumber}}',
        body: 'किसी ने आपको एक बुकिंग सौंपी है। उसका टिकट संलग्न है: प्रवेश द्वार पर उसका कोड दिखाएँ।',
        claim: 'बुकिंग देखने या बदलने के लिए उसका खाता इस कोड से एक बार खोलें: {{claimToken}}',
        short: 'एक बुकिंग अब आपकी है: {{title}}, {{startsAt, moment}}, {{venue}}। सीटें {{seats, list}}। {{bookingNumber}}',
      },
      reminder: {
        subject: 'जल्द ही: {{title}}',
        body: 'आपका शो {{startsAt, moment}} शुरू होगा। आपका टिकट संलग्न है।',
        short: 'जल्द ही: {{title}}, {{startsAt, moment}}, {{venue}}, {{screen}}। सीटें {{seats, list}}। {{bookingNumber}}',
      },
    },
    refund: {
      started: {
        subject: '{{amount, money}} आपको वापस भेजे जा रहे हैं',
        body: '{{amount, money}} वहीं वापस भेजे जा रहे हैं जहाँ से आपने भुगतान किया था। {{why}}',
        short: '{{bookingNumber}} के {{amount, money}} आपको वापस भेजे जा रहे हैं। {{why}}',
      },
      succeeded: {
        subject: '{{amount, money}} आपको वापस कर दिए गए हैं',
        body: 'भुगतान सेवा ने पुष्टि की है कि {{amount, money}} आपको वापस कर दिए गए हैं। आपके बैंक में दिखने में कुछ दिन लग सकते हैं। {{why}}',
        short: '{{bookingNumber}} के {{amount, money}} आपको वापस कर दिए गए हैं। {{why}}',
      },
      failed: {
        subject: '{{amount, money}} की वापसी में देर हो रही है',
        body: 'भुगतान सेवा पहली बार में {{amount, money}} वापस नहीं कर सकी। हम तब तक फिर कोशिश करेंगे जब तक यह न हो जाए; आपको कुछ नहीं करना है। {{why}}',
        short: '{{amount, money}} की वापसी में देर हो रही है: हम तब तक कोशिश करेंगे जब तक यह न हो जाए। {{why}}',
      },
    },
    payment: {
      refunded: {
        subject: 'आपका {{amount, money}} का भुगतान वापस हो रहा है',
        body: 'आपने {{amount, money}} चुकाए, पर उनसे कोई सीट बुक नहीं हुई। पूरी राशि अपने आप आपको वापस मिलेगी। {{why}}',
        short: '{{title}} के लिए आपका {{amount, money}} का भुगतान अपने आप वापस हो रहा है। {{why}}',
      },
    },
    show: {
      cancelled: {
        subject: 'रद्द: {{title}}',
        body: 'हमें खेद है: यह शो रद्द कर दिया गया है। {{reason}}\n\nआपकी पूरी राशि अपने आप वापस होगी; आपको कुछ नहीं करना है।',
        short: 'रद्द: {{title}}, {{startsAt, moment}}, {{venue}}। आपकी पूरी राशि वापस होगी।',
      },
      moved: {
        subject: 'नया समय: {{title}}',
        body: 'यह शो अब {{fromStartsAt, moment}} के बजाय {{toStartsAt, moment}} शुरू होगा। आपकी सीटें और आपका टिकट मान्य रहेंगे।',
        refundUntil:
          'अगर नया समय आपके लिए ठीक नहीं है: {{refundUntil, moment}} तक आप बुकिंग रद्द करके अपनी पूरी राशि वापस पा सकते हैं।',
        short: '{{title}} का नया समय: {{fromStartsAt, moment}} के बजाय {{toStartsAt, moment}}। आपका टिकट मान्य रहेगा।',
        shortRefundUntil: 'पूरी राशि वापस पाने के लिए {{refundUntil, moment}} तक रद्द करें।',
      },
    },
  },
};
