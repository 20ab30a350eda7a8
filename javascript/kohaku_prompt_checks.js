// What is said about the prompts: findings with their fixes, and where the chunks of 75 tokens end.
(function() {
    'use strict';

    const kohaku = window.kohaku = window.kohaku || {};
    const prompt = kohaku.prompt = kohaku.prompt || {pieces: []};
    const SEVERITIES = {error: 'Error', warning: 'Warning', hint: 'Hint'};
    const MOST = 12;
    const CHUNK = 75;
    const ENDS = {
        full: 'It is full here, and a tag may be cut in two.',
        comma: 'It is full; the tag behind the last comma goes to the next one.',
        break: 'BREAK ends it, and the rest of it stays empty.',
        prompt: 'The prompt ends in it.'
    };

    function select(box, finding) {
        box.focus();
        box.setSelectionRange(prompt.text.units(box.value, finding.start), prompt.text.units(box.value, finding.end));
    }

    function row(finding, name, text) {
        const box = prompt.element(name);
        const fixes = finding.fixes.slice(0, 3).map((fix) => prompt.button(fix.label, 'Changes nothing else', function() {
            if (box.value !== text) return prompt.say('The prompt was changed meanwhile; look at the list again.', 'warning');
            return prompt.apply({[name]: fix.result}, fix.label);
        }, {class: 'kohaku-prompt-fix'}));
        const show = prompt.make('button', {type: 'button', class: 'kohaku-prompt-message', title: 'Show the place',
            press: () => select(box, finding)}, finding.message);
        return prompt.make('li', {class: 'kohaku-prompt-finding kohaku-' + finding.severity},
            prompt.make('span', {class: 'kohaku-prompt-severity'}, SEVERITIES[finding.severity]), show,
            prompt.make('span', {class: 'kohaku-prompt-fixes'}, ...fixes));
    }

    // Half a word is not a wrong word.
    function isBeingTyped(finding, box) {
        if (finding.code !== 'unknown-tag' || document.activeElement !== box) return false;
        return prompt.text.units(box.value, finding.end) === box.selectionStart;
    }

    function showFindings(place, checks, name, text) {
        const order = Object.keys(SEVERITIES);
        const box = prompt.element(name);
        const sorted = checks.findings.filter((finding) => !isBeingTyped(finding, box))
            .sort((a, b) => order.indexOf(a.severity) - order.indexOf(b.severity));
        const rows = sorted.slice(0, MOST).map((finding) => row(finding, name, text));
        const more = sorted.length - rows.length;
        const list = rows.length ? [prompt.make('ul', {class: 'kohaku-prompt-list'}, ...rows)] : [];
        if (more > 0) list.push(prompt.make('div', {class: 'kohaku-hint'}, 'and ' + more + ' more'));
        if (checks.problem && !rows.length) list.push(prompt.notice(checks.problem, 'warning'));
        prompt.element(place).replaceChildren(...list);
    }

    function segment(chunk, number, text) {
        const cut = text.slice(prompt.text.units(text, chunk.start), prompt.text.units(text, chunk.end));
        const tail = cut.length > 40 ? '\u2026' + cut.slice(-40) : cut;
        const title = 'Chunk ' + number + ': ' + chunk.tokens + ' of ' + CHUNK + ' tokens' + (tail ? ', to "' + tail + '". ' : '. ') + ENDS[chunk.ending];
        const fill = prompt.make('span', {class: 'kohaku-prompt-fill'});
        fill.style.width = Math.min(100, 100 * chunk.tokens / CHUNK) + '%';
        return prompt.make('span', {class: 'kohaku-prompt-chunk', title: title}, fill);
    }

    function showChunks(place, checks, text) {
        const bars = [];
        let number = 0;
        for (const part of checks.parts) {
            const chunks = part.chunks.map((chunk) => segment(chunk, ++number, text));
            const count = (part.exact ? '' : 'about ') + part.tokens + ' of ' + part.limit + ' tokens';
            bars.push(prompt.make('div', {class: 'kohaku-prompt-part'},
                prompt.make('span', {class: 'kohaku-prompt-track'}, ...chunks),
                prompt.make('span', {class: 'kohaku-prompt-tokens', title: part.exact ? 'As the text encoder counts' :
                    'An estimate: no tokenizer is loaded'}, count)));
        }
        prompt.element(place).replaceChildren(...bars);
    }

    let last = null;

    function show(answer) {
        last = answer;
        showFindings('findings', answer.prompt, 'text', answer.for.text);
        showFindings('negative_findings', answer.negative, 'negative', answer.for.negative);
    }

    prompt.pieces.push({
        start: function(page) {
            page.addEventListener('focusout', (event) => event.target.tagName === 'TEXTAREA' && last && setTimeout(() => show(last), 0));
            prompt.onClick('fix', function() {
                const question = prompt.asked();
                prompt.ask('fix_all', question, 'fix')
                    .then((answer) => prompt.applyTo(question.prompt, {text: answer.prompt}, 'fixes'))
                    .catch(prompt.failed);
            });
        },
        checks: function(answer) {
            show(answer);
            showChunks('chunks', answer.prompt, answer.for.text);
            showChunks('negative_chunks', answer.negative, answer.for.negative);
            const fixable = answer.prompt.findings.filter((finding) => finding.severity !== 'hint' && finding.fixes.length);
            prompt.element('fix').hidden = fixable.length < 2;
        }
    });
})();
