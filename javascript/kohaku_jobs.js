// The merge page's job: the webui's own bar shows it, and its outcome is kept in sight.
(function() {
    'use strict';

    const kohaku = window.kohaku = window.kohaku || {};
    // Kinds that wait in the webui's queue under the job's own id, so that its bar knows them.
    const IN_QUEUE = ['merge', 'load', 'restore'];
    let watch = null;
    let shown = '';
    let attended = false;
    let told = null;

    // What refusals are about.
    function wanted() {
        const overwrite = document.querySelector('#kohaku_overwrite input');
        return JSON.stringify([...['formula', 'choices', 'name'].map(kohaku.read), overwrite && overwrite.checked]);
    }

    function showNote(visible) {
        const element = document.querySelector('.block#kohaku_job_note');
        if (element) element.classList.toggle('kohaku-past', !visible);
    }

    function showHostBar(job) {
        const place = document.getElementById('kohaku_host_bar');
        const id = job.dataset.kohakuJob;
        if (!place || shown === id || !IN_QUEUE.includes(job.dataset.kohakuKind)) return;
        if (typeof window.requestProgress !== 'function') return;
        shown = id;
        window.requestProgress(id, place, null, function() {}, function() {});
    }

    // What the last press of a button led to is shown as long as nothing is changed.
    function note() {
        told = wanted();
        showNote(true);
    }

    function attend(busy) {
        const outcome = kohaku.element('outcome');
        if (attended && outcome) setTimeout(() => outcome.scrollIntoView({block: 'nearest'}), 0);
        attended = attended && busy;
    }

    kohaku.jobs = {
        // A button was pressed. In a narrow window what comes of it shows far below: it is kept in sight until the end,
        // or until somebody looks elsewhere.
        began: function() {
            attended = true;
            note();
            for (const kind of ['wheel', 'touchmove', 'pointerdown']) {
                window.addEventListener(kind, () => {
                    attended = false;
                }, {once: true, passive: true});
            }
            // Also after a refusal: it may be because of a job that another page started, which this one has not seen.
            setTimeout(() => kohaku.press('poll'), 20);
            return [];
        },
        // The like, for buttons inside our HTML.
        acted: function() {
            note();
            return kohaku.jobs.look();
        },
        // A plan came. A refusal of something else than what it is of would only contradict it.
        planned: function() {
            if (told !== null && wanted() !== told) showNote(false);
        },
        look: function() {
            watch = watch || kohaku.watchJob(
                {job: 'job', busy: 'kohaku-busy', poll: 'poll', ended: ['ended'], running: showHostBar, after: attend});
            return watch();
        }
    };
})();
