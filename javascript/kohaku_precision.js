// The precision page: reads its lists when it is first seen, and asks for the running job while there is one.
(function() {
    'use strict';

    const kohaku = window.kohaku = window.kohaku || {};
    const WAIT = 500;
    let timer = 0;
    let busy = false;

    function inspect() {
        const job = document.querySelector('#kohaku_precision_job .kohaku-job');
        const state = job ? job.dataset.kohakuState : '';
        const running = state === 'queued' || state === 'running';
        kohaku.tab().classList.toggle('kohaku-converting', running);
        clearTimeout(timer);
        if (running) {
            timer = setTimeout(() => kohaku.press('precision_poll'), WAIT);
        } else if (busy) {
            kohaku.press('precision_open');
            kohaku.press('precision_ended');
        }
        busy = running;
    }

    function start() {
        const page = kohaku.element && kohaku.element('precision_job');
        if (!page) {
            setTimeout(start, WAIT);
            return;
        }
        const seen = new IntersectionObserver(function(entries) {
            if (!entries.some((entry) => entry.isIntersecting)) return;
            kohaku.press('precision_open');
            kohaku.press('precision_ended');
        });
        seen.observe(kohaku.element('precision_source'));
    }

    kohaku.precision = {
        // The page shows an event's results a moment after the event.
        look: function() {
            setTimeout(inspect, 20);
            return [];
        }
    };
    start();
})();
