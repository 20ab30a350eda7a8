// The precision page: lists and switch are asked for whenever it is seen, the running job while there is one.
(function() {
    'use strict';

    const kohaku = window.kohaku = window.kohaku || {};
    const WAIT = 500;
    // Where the same things are on the webui's own page.
    const TXT2IMG = {
        precision_prompt: '#txt2img_prompt textarea',
        precision_negative: '#txt2img_neg_prompt textarea',
        precision_seed: '#txt2img_seed input',
        precision_steps: '#txt2img_steps input[type=number]',
        precision_width: '#txt2img_width input[type=number]',
        precision_height: '#txt2img_height input[type=number]'
    };
    let timer = 0;
    let busy = false;
    let known = null;

    function inspect() {
        const job = document.querySelector('#kohaku_precision_job .kohaku-job');
        const state = job ? job.dataset.kohakuState : '';
        const id = job ? job.dataset.kohakuJob : '';
        const running = state === 'queued' || state === 'running';
        kohaku.tab().classList.toggle('kohaku-converting', running);
        clearTimeout(timer);
        if (running) {
            timer = setTimeout(() => kohaku.press('precision_poll'), WAIT);
        } else if (job && (busy || (known !== null && known !== id))) { // a short one ends before we look at all
            kohaku.press('precision_open');
            kohaku.press('precision_ended');
            kohaku.jobs.tellHost(job, busy);
        }
        busy = running;
        known = id;
    }

    function seen() {
        for (const name of ['precision_open', 'precision_ended', 'precision_poll']) kohaku.press(name);
    }

    // The slider of two images: the upper one is cut off where it stands.
    function onInput(event) {
        const images = event.target.type === 'range' && event.target.previousElementSibling;
        if (images && images.classList.contains('kohaku-compare')) {
            images.style.setProperty('--kohaku-split', event.target.value + '%');
        }
    }

    function start() {
        const tasks = kohaku.element && kohaku.element('precision_tasks');
        if (!tasks) {
            setTimeout(start, WAIT);
            return;
        }
        kohaku.tab().addEventListener('input', onInput);
        new IntersectionObserver(function(entries) {
            if (entries.some((entry) => entry.isIntersecting)) seen();
        }).observe(tasks);
    }

    kohaku.precision = {
        // The page shows an event's results a moment after the event.
        look: function() {
            setTimeout(inspect, 20);
            return [];
        },
        takePrompt: function() {
            for (const name of Object.keys(TXT2IMG)) {
                const theirs = document.querySelector(TXT2IMG[name]);
                if (theirs) kohaku.write(kohaku.field(name), theirs.value);
            }
            return [];
        }
    };
    start();
})();
