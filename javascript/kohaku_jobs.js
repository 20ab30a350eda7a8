// The merge page's job: the webui's own bar shows it, and its outcome is kept in sight.
(function() {
    'use strict';

    const kohaku = window.kohaku = window.kohaku || {};
    // Kinds that wait in the webui's queue under the job's own id, so that its bar knows them.
    const IN_QUEUE = ['merge', 'load', 'restore'];
    let watch = null;
    let shown = '';
    let attended = false;

    function showHostBar(job) {
        const place = document.getElementById('kohaku_host_bar');
        const id = job.dataset.kohakuJob;
        if (!place || shown === id || !IN_QUEUE.includes(job.dataset.kohakuKind)) return;
        if (typeof window.requestProgress !== 'function') return;
        shown = id;
        window.requestProgress(id, place, null, function() {}, function() {});
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
            for (const kind of ['wheel', 'touchmove', 'pointerdown']) {
                window.addEventListener(kind, () => {
                    attended = false;
                }, {once: true, passive: true});
            }
            // Also after a refusal: it may be because of a job that another page started, which this one has not seen.
            setTimeout(() => kohaku.press('poll'), 20);
            return [];
        },
        look: function() {
            watch = watch || kohaku.watchJob(
                {job: 'job', busy: 'kohaku-busy', poll: 'poll', ended: ['ended'], running: showHostBar, after: attend});
            return watch();
        }
    };
})();
