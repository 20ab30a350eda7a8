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
    let watch = null;

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
        look: function() {
            watch = watch || kohaku.watchJob({
                job: 'precision_job', busy: 'kohaku-converting', poll: 'precision_poll',
                ended: ['precision_open', 'precision_ended']
            });
            return watch();
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
